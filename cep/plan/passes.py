"""What happens between tree and plan, in order. A pass, its file and its tests share one name."""

from __future__ import annotations

from collections.abc import Callable

from cep.plan.bound_memory import bound_memory
from cep.plan.build_automaton import build_automaton
from cep.plan.check_shape import check_shape
from cep.plan.check_tests import check_tests
from cep.plan.check_types import check_types
from cep.plan.draft import BookDraft
from cep.plan.fold_constants import fold_constants
from cep.plan.order_rules import order_rules
from cep.plan.resolve_names import resolve_names
from cep.plan.write_out import write_out

Pass = Callable[[BookDraft], None]

PASSES: tuple[Pass, ...] = (
    write_out,
    check_shape,
    order_rules,
    resolve_names,
    check_types,
    fold_constants,
    bound_memory,
    build_automaton,
    check_tests,
)
