"""E01xx: text and YAML that cannot be read."""

from __future__ import annotations

from cep.codes.code import Code


def _text(code: str, title: str, what: str, mend: str, before: str, after: str) -> Code:
    """A row whose examples are in the text form; both begin with the head of a rule."""
    return Code(code, title, what, mend, f"rule pump_hot\n{before}", f"rule pump_hot\n{after}")


def _test(code: str, title: str, what: str, mend: str, before: str, after: str) -> Code:
    """A row whose examples are tests."""
    rule = "rule pump_hot\n  from reading where celsius > 90\n\n"
    return Code(code, title, what, mend, f"{rule}test pump_hot\n{before}", f"{rule}test pump_hot\n{after}")


def _yaml(code: str, title: str, what: str, mend: str, before: str, after: str) -> Code:
    return Code(code, title, what, mend, before, after, yaml=True)


_FROM = "  from reading where celsius > 90\n"
_YAML = "rule: pump_hot\nfrom: reading where celsius > 90\n"
_ALERT = "  expect 1 alert at 0s\n"

CODES: tuple[Code, ...] = (
    _text(
        "E0100",
        "unexpected text",
        "Something stands where the grammar has no place for it; the message says what could stand there.",
        "Look just before the caret: an operator, a comma or a clause word is usually missing.",
        "  from reading where celsius 90\n",
        _FROM,
    ),
    _text(
        "E0101",
        "unknown clause",
        "A clause begins with a word that no clause has, or with one that belongs to the other kind of block.",
        "Write one of the clause words; the message offers the nearest one.",
        f"{_FROM}  emitt celsius\n",
        f"{_FROM}  emit celsius\n",
    ),
    _text(
        "E0102",
        "quote without a partner",
        "Text in quotes ends on the line it begins on. This quote is alone, so the rest of the line would be text.",
        'Close the quote; inside text a line end is written \\n and the quote itself \\".',
        '  from reading where unit == "C\n',
        '  from reading where unit == "C"\n',
    ),
    _text(
        "E0103",
        "bracket without a partner",
        "A bracket is opened and never closed, closed and never opened, or closed by one of another kind.",
        "Close brackets in the order they were opened.",
        "  from reading where (celsius > 90 and load < 5\n  emit celsius\n",
        "  from reading where (celsius > 90 and load < 5)\n  emit celsius\n",
    ),
    _text(
        "E0104",
        "a character that means nothing",
        "The character is no part of the language. Quotes pasted from a document are the usual case.",
        "Take it away, write straight quotes, or put the text it belongs to in quotes.",
        "  from reading where unit == “C”\n",
        '  from reading where unit == "C"\n',
    ),
    _text(
        "E0105",
        "an operator of another language",
        "The operator or word is spelled otherwise here: `==`, `and`, `or`, `not`, `null`, `~` for globs, `=~` for regexes.",
        "Write it as the message says; a field that has such a name stands in backquotes.",
        '  from reading where celsius > 90 && unit = "C"\n',
        '  from reading where celsius > 90 and unit == "C"\n',
    ),
    _text(
        "E0106",
        "a duration or size without a known unit",
        "A duration is a number and a unit without a blank: us, ms, s, m, h, d or w, also in a row as 1h30m.",
        "Write the unit directly after the number.",
        f"{_FROM}  once per pump every 10 minutes\n",
        f"{_FROM}  once per pump every 10m\n",
    ),
    _text(
        "E0107",
        "a number that cannot be held",
        "Numbers have at most 400 digits, floats end at about 1.8e308, and counts in tests have bounds of their own.",
        "Write a smaller number, or text in quotes if it is an identifier.",
        "  from reading where celsius > 1e999\n",
        "  from reading where celsius > 1e99\n",
    ),
    Code(
        "E0108",
        "text outside of any rule",
        "A file holds blocks that begin with `rule` or `test` at the very start of a line. This line is part of none.",
        "Begin it with `rule ID` or `test ID`, indent it if it belongs to the block above, or make it a comment with #.",
        "ruel pump_hot\n  from reading\n",
        "rule pump_hot\n  from reading\n",
    ),
    _text(
        "E0109",
        "a clause that stands twice",
        "Which of the two would hold could only be guessed.",
        "Keep one; several keys, fields or channels stand in one clause with commas between them, a time and a number of "
        "events in one `within` with `and`.",
        f"{_FROM}  emit celsius\n  emit pump\n",
        f"{_FROM}  emit celsius, pump\n",
    ),
    _text(
        "E0110",
        "a rule that watches nothing",
        "A rule needs a body: the events it is about.",
        "Add `from TYPE`, `match PATTERN` or `absent TYPE for DURATION`.",
        "  emit celsius\n",
        "  from reading\n  emit celsius\n",
    ),
    _text(
        "E0111",
        "a rule with two bodies",
        "A rule is a filter or window (`from`), a sequence (`match`) or a silence (`absent`): one of them.",
        "Make two rules of it.",
        "  by pump\n  from reading\n  absent heartbeat for 5m\n",
        "  by pump\n  absent heartbeat for 5m\n",
    ),
    _text(
        "E0112",
        "an escape that is none",
        "In text a backslash begins an escape: \\n \\t \\r \\\\ \\\" \\' \\/ \\u00e9 \\U0001f600. Regexes are the usual case.",
        'Double the backslash, or take the text as it stands: r"\\d+".',
        '  from reading where unit =~ "\\d+"\n',
        '  from reading where unit =~ r"\\d+"\n',
    ),
    _text(
        "E0113",
        "comparisons in a row",
        "`1 < x < 5` compares the answer of the first comparison with 5 in some languages; here it is refused.",
        "Join two comparisons with `and`, or write `x between 1 and 5` (both ends in).",
        "  from reading where 10 < celsius < 90\n",
        "  from reading where 10 < celsius and celsius < 90\n",
    ),
    _text(
        "E0114",
        "a repetition that cannot be",
        "A step is repeated {least,most} times: most is at least 1 and not below least.",
        "Turn the bounds round; a step that must not happen is written !step.",
        "  match hot{5,3}\n  where hot: reading\n  within 5m\n",
        "  match hot{3,5}\n  where hot: reading\n  within 5m\n",
    ),
    _text(
        "E0115",
        "a value without a name",
        "Fields of an alert and parts of a key have names. A field's own name is taken; a calculated value has none.",
        "Write `NAME = EXPRESSION`.",
        "  from reading\n  when count() > 5 over 1m\n  emit count()\n",
        "  from reading\n  when count() > 5 over 1m\n  emit readings = count()\n",
    ),
    _text(
        "E0116",
        "a word that is not one of the few",
        "severity is info, low, medium, high or critical; mode is enabled, shadow, canary or disabled; `pick` takes first,"
        " latest, longest or all; fields of a schema are number, text, bool, time or list; `fire` takes each,"
        " `then` takes reset.",
        "Write one of the words that the message lists.",
        f"  severity hgih\n{_FROM}",
        f"  severity high\n{_FROM}",
    ),
    _text(
        "E0117",
        "a name that is taken",
        "Two fields, keys or lets of one clause have the same name; one of them would hide the other.",
        "Give one of them another name.",
        "  from reading\n  emit top = celsius, top = load\n",
        "  from reading\n  emit top = celsius, load\n",
    ),
    _text(
        "E0118",
        "a clause that ends too early",
        "An operator, a comma or a clause word waits for something that does not come.",
        "Write what is missing, or take the last word away.",
        "  from reading where celsius >\n",
        _FROM,
    ),
    _text(
        "E0119",
        "nested too deep",
        "Expressions and event data nest at most 64 levels, so that no rule can exhaust whoever reads it.",
        "Take parts out into `let` clauses; a long chain of alternatives is a list: `x in [..]`.",
        f"  from reading where {'not ' * 70}broken\n",
        "  from reading where not broken\n",
    ),
    _test(
        "E0120",
        "a test that expects nothing",
        "Without `expect` a test could not fail.",
        "End it with `expect N alerts ...` or with `expect nothing`.",
        "  at 0s reading {celsius: 95}\n",
        f"  at 0s reading {{celsius: 95}}\n{_ALERT}",
    ),
    _text(
        "E0121",
        "a `where` that finds no place",
        "After `match`, `where` says of each step which events it takes: `where STEP: TYPE where CONDITION`. After `from` and"
        " `absent`, it follows the type.",
        "Name the step, or move the condition behind the type.",
        "  match hot\n  where celsius > 90\n",
        "  match hot\n  where hot: reading where celsius > 90\n",
    ),
    _test(
        "E0122",
        "nothing and something expected",
        "`expect nothing` beside an expected alert contradicts it.",
        "Leave it out: an alert that no line expects fails the test anyway. `until 15m` lets the clock run on.",
        f"  at 0s reading {{celsius: 95}}\n{_ALERT}  expect nothing until 15m\n",
        f"  at 0s reading {{celsius: 95}}\n{_ALERT}  until 15m\n",
    ),
    Code(
        "E0123",
        "a block without an ID",
        "`rule` and `test` are followed by the ID of the rule: its name in alerts, logs and metrics, for ever.",
        "Write a letter, then letters, digits, `_`, `-` or `.`.",
        "rule 24h_hot\n  from reading\n",
        "rule hot_24h\n  from reading\n",
    ),
    _test(
        "E0124",
        "text without quotes",
        "In the text form words are names; text stands in quotes, in the data of events too. Addresses and dates are text.",
        "Put it in quotes.",
        f"  at 0s reading {{pump: north, celsius: 95}}\n{_ALERT}",
        f'  at 0s reading {{pump: "north", celsius: 95}}\n{_ALERT}',
    ),
    _text(
        "E0125",
        "`in` without a list",
        "`in` takes a list in square brackets, or `table` and the name of a table.",
        'Write `in ["a", "b"]` or `in table NAME`.',
        '  from reading where unit in ("C", "F")\n',
        '  from reading where unit in ["C", "F"]\n',
    ),
    _text(
        "E0126",
        "words that do not go together",
        "A clause says something that means nothing beside what another one says: a share without `canary`, `limit` or"
        " `after match` without `pick all`.",
        "Take one of the two away, or write the word that the message names.",
        "  mode shadow 10%\n  from reading where celsius > 90\n",
        "  mode canary 10%\n  from reading where celsius > 90\n",
    ),
    Code(
        "E0127",
        "a declaration that stands twice",
        "Macros, lists, tables and schemas hold for all rules, whatever file they stand in; of two with one name, which holds"
        " could only be guessed.",
        "Keep one of the two, or give one of them another name.",
        'list units: ["C", "F"]\nlist units: ["K"]\nrule pump_hot\n  from reading where unit in units\n',
        'list units: ["C", "F", "K"]\nrule pump_hot\n  from reading where unit in units\n',
    ),
    _yaml(
        "E0130",
        "not YAML",
        "The file breaks off being YAML here. Values that hold `: ` or begin with @ ` % must be quoted; tabs do not indent.",
        "Put the value in quotes or in a block (`|`), or mend the indentation.",
        'rule: pump_hot\nfrom: reading where note == "is: hot"\n',
        "rule: pump_hot\nfrom: 'reading where note == \"is: hot\"'\n",
    ),
    _yaml(
        "E0131",
        "an unknown key",
        "A key that means nothing would be ignored in silence; a misspelt one would change the rule.",
        "Write the key that the message offers, or take it away.",
        f"{_YAML}severty: high\n",
        f"{_YAML}severity: high\n",
    ),
    _yaml(
        "E0132",
        "a key that stands twice",
        "YAML readers silently take one of the two.",
        "Keep one.",
        f"{_YAML}emit: celsius\nemit: pump\n",
        f"{_YAML}emit: [celsius, pump]\n",
    ),
    _yaml(
        "E0133",
        "a value of the wrong shape",
        "The key asks for one value, a list or a map, and another of the three stands there.",
        "Write the shape that the message names.",
        f"{_YAML}severity: [high]\n",
        f"{_YAML}severity: high\n",
    ),
    _yaml(
        "E0134",
        "a missing key",
        "A map lacks a key without which it says nothing.",
        "Add the key that the message names.",
        "by: pump\nabsent: heartbeat\nrule: pump_silent\n",
        "by: pump\nabsent: heartbeat\nfor: 5m\nrule: pump_silent\n",
    ),
    _yaml(
        "E0135",
        "beyond the limits of a file",
        "A document nests at most 64 levels, holds at most 100 aliases and 100,000 values; a value of the language is at most"
        " 64 KiB. This keeps hostile files from exhausting whoever reads them.",
        "Split the file, or write the values out.",
        f"rule: pump_hot\nfrom: reading\nmeta: {'[' * 70}{']' * 70}\n",
        "rule: pump_hot\nfrom: reading\nmeta: {owner: plant}\n",
    ),
    _yaml(
        "E0136",
        "a tag or an alias that leads nowhere",
        "Text that begins with `!` is a tag to YAML, with `*` an alias. Tags are not read; an alias needs its anchor before it.",
        "Put the text in quotes.",
        "rule: pump_hot\nfrom: !reading\n",
        "rule: pump_hot\nfrom: reading\n",
    ),
    _yaml(
        "E0137",
        "an empty value",
        "Nothing follows the key.",
        "Write a value, or take the key away.",
        f"{_YAML}severity:\n",
        f"{_YAML}severity: high\n",
    ),
    Code(
        "E0138",
        "a rule among tests",
        "Files named NAME.test, NAME.test.yml or NAME.test.yaml hold only tests; rules in them would be easy to overlook.",
        "Move the rule to a .cep or .yml file.",
    ),
    Code(
        "E0140",
        "not UTF-8",
        "Rule files are UTF-8; the message names the first byte that is not.",
        "Save the file as UTF-8.",
    ),
    Code(
        "E0141",
        "a control character",
        "Apart from tabs and line ends no control character may stand in a rule file: it could not be seen.",
        "Take it away; in text write an escape such as \\u0007.",
        'rule pump_hot\n  from reading where note == "\x07"\n',
        'rule pump_hot\n  from reading where note == "\\u0007"\n',
    ),
    Code(
        "E0142",
        "a file that is too large",
        "A file has at most 1 MiB and holds at most 5,000 rules and tests. What is larger is probably data.",
        "Split it, or load data as a table.",
    ),
    Code(
        "E0143",
        "not the name of a rule file",
        "The ending of a file's name says how it is written: .cep and .test are text, .yml and .yaml are YAML.",
        "Rename the file.",
    ),
)
