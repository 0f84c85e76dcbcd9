"""How other engines' own tests fare as our rules: `python -m tests.conformance SUITE|all [--list] [--rule NAME]`."""

from __future__ import annotations

import argparse
from collections import Counter

from tests.conformance.cases import FOLDER
from tests.conformance.suites import SUITES, verdicts


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.conformance")
    parser.add_argument("suite", choices=[*SUITES, "all"])
    parser.add_argument("--list", action="store_true", help="each case with its verdict and reason")
    parser.add_argument("--rule", metavar="NAME", help="one case in full: the rule, what was expected, what was told")
    asked = parser.parse_args()
    if not FOLDER.is_dir():
        parser.error(f"there is no {FOLDER}; CEP_CONFORMANCE names the folder of the cases")
    for suite in SUITES if asked.suite == "all" else (asked.suite,):
        found = verdicts(suite)
        for verdict in found:
            if asked.rule and asked.rule in verdict.case.name:
                print(f"{verdict.case.name}: {verdict.how} {verdict.reason}\n{verdict.case.rule}expected {verdict.case.expected}")
                print("\n".join(f"  told {line}" for line in verdict.told))
            elif asked.list:
                print(f"{verdict.how:<12} {verdict.case.name}" + (f": {verdict.reason}" if verdict.reason else ""))
        counts = Counter(verdict.how for verdict in found)
        print(f"{suite}: {len(found)} cases: " + ", ".join(f"{counts[how]} {how}" for how in sorted(counts)))


if __name__ == "__main__":
    main()
