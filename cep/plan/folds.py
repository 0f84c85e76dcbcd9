"""Registers without a run: what they want of an event, kept when it is taken, and the registers of a match made of that later.

Where many partial matches share an event (cep.match.every) none of them has registers of its own; a match's are made when it is
told. `keep` takes from the row what registers of a step want, `fold` brings registers up to date with it.

    sum(a.x where p)     keep: (x, p)      fold: if v[1] is true, add v[0]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cep.plan import ir
from cep.plan.codegen import Writer
from cep.plan.ir import Expr
from cep.plan.plan import ANY_STEP, Register
from cep.plan.registers import take_lines


def kept_values(registers: Sequence[Register], step: int) -> tuple[Expr, ...]:
    """What the registers of a step want of its event: each expression once."""
    wanted = [expr for register in _of(registers, step) for expr in (register.expr, register.where) if expr is not None]
    return tuple({_said(expr): expr for expr in wanted}.values())


def fold_lines(registers: Sequence[Register], step: int, write: Writer, label: str) -> list[str]:
    """Statements that bring registers `g` up to date with kept values. `write` says where they stand: value i is register i."""
    places = {_said(expr): at for at, expr in enumerate(kept_values(registers, step))}

    def kept(expr: Expr | None) -> Expr | None:
        return None if expr is None else ir.Reg(places[_said(expr)], expr.type)

    lines = []
    for index, register in enumerate(registers):
        if register.step in (step, ANY_STEP):
            lines += take_lines(replace(register, expr=kept(register.expr), where=kept(register.where)), index, write, label)
    return lines


def _of(registers: Sequence[Register], step: int) -> list[Register]:
    return [register for register in registers if register.step in (step, ANY_STEP)]


def _said(expr: Expr) -> str:
    """What tells expressions apart: to Python x + 1 and x + 1.0 are equal, to who reads the alert they are not."""
    return repr(expr)
