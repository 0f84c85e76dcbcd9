"""A step of building the package: the tables of the parser, made from grammar.lark, go into the wheel beside the parser."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TablesHook(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        sys.path.insert(0, str(root))
        from cep.lang.grammar import STARTS
        from cep.lang.tables import keep_tables

        file = root / "cep/lang/tables.json"  # where a source tree keeps it too, so that an editable install has it at once
        keep_tables(STARTS, (root / "grammar.lark").read_text(encoding="utf-8"), file)
        if version != "editable":
            build_data["force_include"][str(file)] = "cep/lang/tables.json"
