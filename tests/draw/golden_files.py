"""Pictures kept as files: DOT of rules beside this, and those of docs/. `python -m tests.draw.golden_files` draws them anew;
the diff is to be read, and looked at."""

from __future__ import annotations

from pathlib import Path

from cep.config import Config
from cep.draw.diagram import diagram_of
from cep.draw.dot import as_dot
from cep.draw.svg import as_svg
from cep.lang.read import read_rules
from cep.loader.files import load
from cep.plan.plan import RulePlan
from cep.plan.rulebook import build_rulebook
from tests.docs.pages import blocks
from tests.draw.plans import everything

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "golden"
LOADED = load(["rules"], Config(base=ROOT))
SHIPPED = {plan.id: diagram_of(plan) for plan in LOADED.rulebook.plans}
TABLES = {"hosts": {"web-1": {"host": "web-1", "owner": "ana", "active": True}}}


def of_pages() -> dict[str, RulePlan]:
    """The rules of all examples in docs/language.md and docs/coming-from.md."""
    found: dict[str, RulePlan] = {}
    for page in ("language.md", "coming-from.md"):
        for block in blocks(page, "cep"):
            file, _ = read_rules("example.cep", block.text)
            book, _ = build_rulebook([file], tables=TABLES)
            found |= {f"{block.name} {plan.id}": plan for plan in book.plans}
    return found


DRAWN = ("deploy_then_errors", "fleet_speeding", "heartbeat_missing", "harsh_braking")
IN_DOCS = {"deploy_then_errors.svg": ("deploy_then_errors", "brute_force_then_login")}


def pictures() -> dict[Path, str]:
    """File -> what it should hold."""
    made: dict[Path, str] = {FOLDER / f"{name}.dot": as_dot([SHIPPED[name]]) for name in DRAWN}
    made[FOLDER / "everything.dot"] = as_dot([diagram_of(everything())])
    for name, rules in IN_DOCS.items():
        made[ROOT / "docs" / "pictures" / name] = as_svg([SHIPPED[rule] for rule in rules])
    return made


def main() -> None:
    for path, text in pictures().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
