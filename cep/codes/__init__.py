"""The table of codes: what each means, how to mend it, and a rule that earns it. A row is the message's page
(`cep explain E0203`), a docs page and a test. Codes are never reused.

    E01xx syntax    E02xx names    E03xx types    E04xx bounds and structure    E05xx tests
    E06xx events    E09xx configuration and operation        W0xxx warnings, numbered like their family
"""

from __future__ import annotations

from cep.codes import bounds, events, names, ops, syntax, types
from cep.codes.code import Code

CODES: dict[str, Code] = {code.code: code for family in (syntax, names, types, bounds, events, ops) for code in family.CODES}
