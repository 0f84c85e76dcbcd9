"""From where the parser halted to what a person would say about it: one small judge per kind of mistake, the first that
knows the case speaks."""

from __future__ import annotations

import re
from collections.abc import Callable

from cep.errors import Diagnostic, Fix, Span
from cep.lang import mistakes_of_bounds as bounds
from cep.lang import mistakes_of_patterns as patterns
from cep.lang.blocks import BLOCKS, OTHER_COMMENTS, RULE_WORDS, TEST_WORDS, comment_fault
from cep.lang.expected import CLAUSE_PLACE, TEST_PLACE, VALUE_PLACE, expected_words, keyword, keywords
from cep.lang.grammar import Halt
from cep.lang.literals import NAME, show_string
from cep.lang.places import Place
from cep.lang.samples import SAMPLES, sample
from cep.lang.scan import Piece, lone_brackets
from cep.lang.scene import Scene
from cep.lang.units import unit_of
from cep.spelling import closest

SPELLED = {
    "=": "==", "===": "==", "!==": "!=", "<>": "!=", "&&": "and", "&": "and", "||": "or", "|": "or", "!": "not",
    "like": "~", "matches": "=~", "equals": "==", "eq": "==", "ne": "!=", "gt": ">", "lt": "<", "gte": ">=", "lte": "<=",
    "-->": "->", "==>": "=>", "→": "->",
    "begins": "startswith", "starts": "startswith", "ends": "endswith", "none": "null", "nil": "null",
}  # fmt: skip
COMPARISONS = frozenset({"COMPARE", "TEXT_OP", "TILDE", "TILDE_I", "REGEX", "REGEX_I", "IN", "IS", "BETWEEN"})
ID_HELP = "write an ID after it: a letter, then letters, digits, `_`, `-` or `.`"
CURLY_QUOTES = "“”„«»‘’‚"


def diagnose(halt: Halt, text: str, place: Place, kind: str) -> Diagnostic:
    """What is wrong where the parser halted. `kind` is rule, test or the name of a fragment."""
    scene = Scene(halt, text, place, kind)
    for judge in JUDGES:
        told = judge(scene)
        if told is not None:
            return told
    return _unexpected(scene)


def _open_quote(scene: Scene) -> Diagnostic | None:
    """A quote without a partner on the line of the halt; it may stand after the halt, when earlier quotes paired wrongly."""
    line_start = scene.text.rfind("\n", 0, scene.halt.at) + 1
    line_end = scene.text.find("\n", scene.halt.at)
    line_end = len(scene.text) if line_end < 0 else line_end
    for piece in scene.pieces:
        if piece.kind == "sign" and piece.text in "\"'`" and line_start <= piece.start < line_end:
            help = f"close it with {piece.text} on the same line"
            if piece.text != "`":
                help += "; a line end inside text is written \\n"
            return scene.fault("E0102", "this quote has no partner on its line", piece, help)
    return None


def _bracket(scene: Scene) -> Diagnostic | None:
    opening, closing = lone_brackets(scene.pieces)
    here = scene.here
    for piece, met in closing:
        if here is not None and piece.start == here.start:
            if met is None:
                return scene.fault("E0103", f"`{piece.text}` closes nothing", piece, "take it away, or open it before")
            told = scene.fault(
                "E0103", f"`{piece.text}` does not close `{met.text}`", piece, "close brackets in the order they were opened"
            )
            return _with_label(told, scene.at(met), "opened here")
    for piece in reversed(opening):
        if piece.start < (here.start if here else len(scene.text) + 1):
            if here is None:
                return scene.fault("E0103", f"`{piece.text}` is never closed", piece, "close it")
            if scene.accepts & {"RPAR", "RSQB", "RBRACE", "COMMA"}:
                told = scene.fault("E0103", f"`{piece.text}` is never closed", piece, f"close it before {scene.found()}")
                return _with_label(told, scene.at(here), "still open here")
    return None


def _with_label(told: Diagnostic, span: Span, words: str) -> Diagnostic:
    return Diagnostic(told.code, told.message, told.span, label=told.label, help=told.help, labels=((span, words),), fix=told.fix)


def _ended(scene: Scene) -> Diagnostic | None:
    if scene.here is not None:
        return None
    last = scene.before
    end = last.end if last else 0
    span = scene.place.span(end - 1, end) if last else scene.place.span(0, 0)
    if scene.kind in BLOCKS and last is not None and last.text in BLOCKS and len(scene.pieces) == 1:
        return _without_id(scene)
    what = f"the {scene.kind}" if scene.kind in BLOCKS else "the text"
    expected = expected_words(scene.accepts)
    shown = sample(scene) if _inside_clause(scene) else None
    help = f"write it as `{shown}`, say" if shown else f"write {expected} after it, or take it away"
    return Diagnostic("E0118", f"{what} ends where {expected} should follow", span, label="nothing follows", help=help)


def _clause_ended(scene: Scene) -> Diagnostic | None:
    """The next line begins a clause before this one is whole."""
    here, last = scene.here, scene.before
    words = RULE_WORDS if scene.kind == "rule" else TEST_WORDS if scene.kind == "test" else ()
    if here is None or last is None or here.text not in words or not scene.starts_line(here):
        return None
    if scene.accepts & (CLAUSE_PLACE | TEST_PLACE):
        return None
    expected = expected_words(scene.accepts)
    help = f"write {expected} after it: `{here.text}` already begins the next clause"
    return scene.fault(
        "E0118", f"`{last.text}` ends the line where {expected} should follow", last, help, label="nothing follows"
    )


def _colon(scene: Scene) -> Diagnostic | None:
    """`severity: high`, as in YAML; `rule r:`, as in Python."""
    here, last = scene.here, scene.before
    if here is None or last is None or scene.kind not in BLOCKS:
        return None
    colon = here if here.text == ":" else last
    word = next((p for p in reversed(scene.pieces) if p.end <= colon.start), None)
    if here.text == ":" and scene.kind in ("rule", "test") and scene.pieces[1:2] == [word] and scene.pieces[2:3] == [here]:
        return scene.fault("E0100", f"no colon stands after the ID of a {scene.kind}", here, "take it away", "")
    if colon.text != ":" or word is None or word.text not in (*RULE_WORDS, *TEST_WORDS, *BLOCKS) or not scene.starts_line(word):
        return None
    return scene.fault("E0100", f"`{word.text}` takes no colon in the text form", colon, f"write `{word.text}` and a blank", "")


def _comment(scene: Scene) -> Diagnostic | None:
    """`// so`, `/* so */`."""
    here, before = scene.here, scene.before
    start = before if before is not None and before.text == "/" and here is not None and before.end == here.start else here
    if start is None or scene.text[start.start : start.start + 2] not in OTHER_COMMENTS:
        return None
    return comment_fault(scene.text[start.start : start.start + 2], scene.place.span(start.start, start.start + 2))


def _without_id(scene: Scene) -> Diagnostic | None:
    before = scene.before
    if (
        before is None
        or before.start != 0
        or before.text not in BLOCKS
        or scene.kind not in BLOCKS
        or "WORD" not in scene.accepts
    ):
        return None
    here = scene.here or before
    return scene.fault("E0123", f"`{before.text}` needs the ID of a rule", here, ID_HELP)


def _two_words(scene: Scene) -> Diagnostic | None:
    """`rule my rule`."""
    here, before = scene.here, scene.before
    if here is None or before is None or here.kind != "word" or scene.kind not in BLOCKS or scene.starts_line(here):
        return None
    if [piece.start for piece in scene.pieces[1:3]] != [before.start, here.start] or scene.starts_line(before):
        return None
    known = [*RULE_WORDS, *TEST_WORDS]
    if here.text not in BLOCKS and (here.text in known or closest(here.text.lower(), known)):
        return None
    span = scene.place.span(before.start, here.end)
    help = f"write `{scene.kind} {before.text}_{here.text}`; a title is text in quotes on the next line"
    return Diagnostic("E0123", "the ID of a rule is one word", span, help=help)


def _swallowed(scene: Scene) -> Diagnostic | None:
    """`when x >` and the next line's clause word was taken for the value that is missing."""
    here, taken = scene.here, scene.before
    words = RULE_WORDS if scene.kind == "rule" else TEST_WORDS if scene.kind == "test" else ()
    if here is None or taken is None or taken.text not in words or not scene.starts_line(taken):
        return None
    if not scene.accepts & (CLAUSE_PLACE | {"AND", "LATER", "COMMA", "RPAR", "RSQB"}):
        return None
    last = next((p for p in reversed(scene.pieces) if p.end <= taken.start), None)
    if last is None:
        return None
    if last.start == 0 and last.text in BLOCKS:
        return scene.fault("E0123", f"`{last.text}` needs the ID of a rule", last, ID_HELP)
    return scene.fault(
        "E0118",
        f"`{last.text}` needs something after it",
        last,
        f"`{taken.text}` already begins the next clause",
        label="nothing follows",
    )


def _unit(scene: Scene) -> Diagnostic | None:
    """`10min`, `10 minutes`, or `10` where a duration must stand."""
    here, before = scene.here, scene.before
    if "EVENTS" in scene.accepts and before is not None and before.kind == "number":  # `within 10` may go on with `events`
        return _unit_apart(scene, before, here)
    if here is None or here.kind != "number":
        return None
    number = re.match(r"[\d_.]*", here.text)
    digits, letters = (number[0], here.text[number.end() :]) if number else ("", "")
    if letters and scene.halt.token not in ("DURATION", "SIZE", "FLOAT") and not letters.startswith("_"):
        unit = unit_of(letters)
        help = (
            f"write `{digits}{unit}`"
            if unit
            else "durations end in us, ms, s, m, h, d or w; sizes in B, KB, MB, GB, TB or KiB, MiB, GiB, TiB"
        )
        return scene.fault("E0106", f"`{letters}` is not a unit", here, help, f"{digits}{unit}" if unit else None)
    if "DURATION" in scene.accepts and "INT" not in scene.accepts and scene.halt.token in ("INT", "FLOAT"):
        return _unit_apart(scene, here, scene.after)
    return None


def _unit_apart(scene: Scene, number: Piece, after: Piece | None) -> Diagnostic | None:
    """A number without a unit, or with one behind a blank."""
    digits = number.text
    unit = unit_of(after.text) if after else None
    if after is not None and unit:
        span, said = scene.place.span(number.start, after.end), f"{digits}{unit}"
        return Diagnostic("E0106", "a duration is one word", span, help=f"write `{said}`", fix=Fix(span, said))
    if "EVENTS" in scene.accepts and after is not None and closest(after.text.lower(), ("events", "event")):
        return None  # that word is misspelt
    events = f", or `{digits} events`" if "EVENTS" in scene.accepts else ""
    help = f"write `{digits}s`, `{digits}m`, `{digits}h` or `{digits}d`{events}"
    return scene.fault("E0106", "a duration needs a unit", number, help)


def _plain_data(scene: Scene) -> Diagnostic | None:
    """Text without quotes where an event or a claim holds plain data, or where a clause holds text."""
    here, before, accepts = scene.here, scene.before, scene.accepts
    if here is None:
        return None
    start: int | None = None
    if (
        "STRING" in accepts
        and not accepts & {"NAME", "WORD", "COLON"}
        and not accepts & CLAUSE_PLACE
        and not accepts & TEST_PLACE
    ):
        start = here.start if here.kind in ("word", "number") else None
    elif here.text.count(".") > 1 and here.kind == "number" and here.start < scene.halt.at:
        start = here.start  # 10.0.0.9 begins as a number and goes on
    elif accepts in ({"COMMA", "RBRACE"}, {"COMMA", "RSQB"}) and before and before.end == here.start and before.kind == "number":
        start = before.start
    if start is None:
        return None
    in_brackets = bool(accepts & {"LBRACE", "RBRACE", "RSQB"})
    bare = re.compile(r"[^,}\]\n#\"']*" if in_brackets else r"[\w./+-]*").match(scene.text, start)
    text = (bare[0] if bare else here.text).rstrip() or here.text
    span = scene.place.span(start, start + len(text))
    return Diagnostic(
        "E0124", "text stands in quotes here", span, help=f"write {show_string(text)}", fix=Fix(span, show_string(text))
    )


def _operator(scene: Scene) -> Diagnostic | None:
    here, accepts = scene.here, scene.accepts
    if here is None or here.kind not in ("sign", "word"):
        return None
    if here.text == "=" and scene.before is not None and scene.before.text in ("==", "=", "!="):
        return scene.fault("E0105", "one `=` too many", here, "comparisons are == != < <= > >=", "")
    if here.start < scene.halt.at and here.text in SPELLED:  # its first character was taken for an operator of its own
        meant = SPELLED[here.text]
        return scene.fault("E0105", f"`{here.text}` is written `{meant}`", here, f"write `{meant}`", meant)
    said = SPELLED.get(here.text.lower()) or (here.text.lower() if here.text.lower() != here.text else None)
    if said is None or keyword(said, accepts) is None:
        return None
    if here.text == "=" and _in_named_list(scene):
        return scene.fault(
            "E0115", "a name in the alert is one word", here, "write `NAME = VALUE` with a plain name, or `==` to compare"
        )
    span = scene.at(here)
    same = here.kind == "sign" or here.text.lower() == said  # `like` reads its pattern differently than `~`
    fix = Fix(span, said, safe=same)
    return Diagnostic("E0105", f"`{here.text}` is written `{said}`", span, help=f"write `{said}`", fix=fix)


def _in_named_list(scene: Scene) -> bool:
    """Whether the halt is in `emit` or `by`, outside of brackets: there `=` gives a name."""
    here = scene.here
    depth = 0
    for piece in reversed(scene.pieces):
        if here is None or piece.start >= here.start:
            continue
        if piece.text in ")]}":
            depth += 1
        elif piece.text in "([{":
            depth -= 1
        elif piece.kind == "word" and piece.text in RULE_WORDS:
            return piece.text in ("emit", "by") and depth == 0
    return scene.kind in ("fragment_emit_list", "fragment_emit_item", "fragment_by", "fragment_key_part") and depth == 0


def _chain(scene: Scene) -> Diagnostic | None:
    here = scene.here
    if here is None or scene.halt.token not in COMPARISONS or not _in_condition(scene) or "COMPARE" in scene.accepts:
        return None
    if scene.before is not None and scene.before.kind == "sign" and scene.before.text not in ")]}":
        return None
    return scene.fault(
        "E0113", "two comparisons in a row", here, "join them with `and`, as `1 < x and x < 5`; or write `x between 1 and 5`"
    )


def _in_condition(scene: Scene) -> bool:
    """Whether a condition may go on with `and`; so may `within`."""
    return "AND" in scene.accepts and bool(scene.accepts & {"OR", "PLUS"})


def _in_what(scene: Scene) -> Diagnostic | None:
    here, before = scene.here, scene.before
    if here is None or before is None or before.text != "in" or "TABLE" not in scene.accepts:
        return None
    if "NAME" not in scene.accepts:  # of `expect`
        return scene.fault("E0125", "`expect` asks for a table", here, f"write `{SAMPLES['expect']}`, say")
    help = 'write `in ["a", "b"]`, `in NAME` of a list or `in table NAME`'
    return scene.fault("E0125", "`in` asks for a list or a table", here, help)


def _expectation(scene: Scene) -> Diagnostic | None:
    """`expect 1 alert` in a rule, where `expect` is about keys."""
    here, before = scene.here, scene.before
    if scene.kind != "rule" or here is None or before is None or before.text != "expect":
        return None
    if here.kind != "number" and here.text != "nothing":
        return None
    return scene.fault("E0101", f"`expect {here.text}` belongs to a test", before, "move it to a `test` block")


def _clause(scene: Scene) -> Diagnostic | None:
    """A word where a clause may begin."""
    here, accepts = scene.here, scene.accepts
    if here is None or here.kind != "word" or not accepts & (CLAUSE_PLACE | TEST_PLACE):
        return None
    if here.text == "where":
        return scene.fault(
            "E0121", "after `match`, `where` says what each step is", here, "write `where STEP: TYPE where CONDITION`"
        )
    if here.text in BLOCKS:
        return scene.fault("E0108", f"`{here.text}` stands at the very start of its line", here, "take the spaces before it away")
    words = RULE_WORDS if scene.kind == "rule" else TEST_WORDS
    others = TEST_WORDS if scene.kind == "rule" else RULE_WORDS
    if here.text in others and here.text not in words:
        other = "test" if scene.kind == "rule" else "rule"
        return scene.fault("E0101", f"`{here.text}` belongs to a {other}", here, f"move it to a `{other}` block")
    if here.text in words:
        return None
    near = closest(
        here.text.lower(), [*words, *(name.lower() for name in accepts if name.isalpha() and keyword(name.lower(), accepts))]
    )
    if near is None and not scene.starts_line(here):
        return None
    known = ", ".join(words)
    help = f"did you mean `{near}`?" if near else f"the clauses of a {scene.kind} are {known}"
    if near is None and scene.kind == "rule" and scene.after is not None and scene.after.text == "where":
        help = f"a rule about single events begins with `from {here.text} where ..`"
    return scene.fault(
        "E0101",
        f"`{here.text}` is not a clause of a {scene.kind}" if scene.starts_line(here) else f"`{here.text}` means nothing here",
        here,
        help,
        near,
    )


def _stray(scene: Scene) -> Diagnostic | None:
    here = scene.here
    if here is None or scene.halt.token or here.kind != "sign":
        return None
    shown = here.text if here.text.isprintable() else f"U+{ord(here.text):04X}"
    if here.text in CURLY_QUOTES:
        return scene.fault("E0104", f"`{shown}` is not a quote", here, "write straight quotes, \" or '")
    help = "clauses need no `;` between them" if here.text == ";" else "take it away, or put the text it belongs to in quotes"
    return scene.fault("E0104", f"`{shown}` means nothing here", here, help)


JUDGES: tuple[Callable[[Scene], Diagnostic | None], ...] = (
    _comment,
    _without_id,
    _two_words,
    _open_quote,
    _swallowed,
    patterns.delay,
    patterns.repetition,
    bounds.within,
    _unit,
    _bracket,
    _colon,
    _clause_ended,
    _ended,
    _plain_data,
    patterns.negated_repeated,
    patterns.joined_by_words,
    patterns.unknown_arrow,
    patterns.some_of,
    _operator,
    _chain,
    _in_what,
    _expectation,
    _clause,
    _stray,
)


def _unexpected(scene: Scene) -> Diagnostic:
    here = scene.here or Piece("", "", scene.halt.at)
    message = f"expected {expected_words(scene.accepts)}, found {scene.found()}"
    near = closest(here.text.lower(), keywords(scene.accepts)) if here.kind == "word" else None
    if near is not None:
        return scene.fault("E0100", message, here, f"did you mean `{near}`?", near)
    return scene.fault("E0100", message, here, _advice(scene, here))


def _inside_clause(scene: Scene) -> bool:
    """Whether the halt is in the midst of a clause that is no condition: then how the clause looks is of help."""
    accepts = scene.accepts
    return not (accepts & (CLAUSE_PLACE | TEST_PLACE | {"AND", "LATER"}) or accepts >= VALUE_PLACE)


def _advice(scene: Scene, here: Piece) -> str:
    accepts = scene.accepts
    if {"EVERY", "PER"} <= accepts and here.kind == "number":
        return f"write `once every {here.text}`, or `once per NAME every {here.text}` for each value apart"
    if here.text in ("and", "or") and accepts & CLAUSE_PLACE:
        return "the condition is over before it: write all of `when` before `over`, and what single events must fit in `where`"
    if "LABEL" in accepts and here.kind == "word" and scene.kind != "list":
        return f"write `{here.text}:` and what it stands for"
    if scene.kind.startswith("fragment") and here.text in RULE_WORDS:
        return f"in YAML `{here.text}` is a key of its own"
    if "NAME" in accepts and VALUE_PLACE.isdisjoint(accepts) and NAME.fullmatch(here.text):
        return f"to use the word as a name, write `` `{here.text}` `` in backquotes"
    shown = sample(scene) if _inside_clause(scene) else None
    if shown is not None and accepts.isdisjoint({"RSQB", "RBRACE"}):
        return f"write it as `{shown}`, say"
    if here.text == "in" and accepts & CLAUSE_PLACE:
        return "a zone belongs to windows that end by the clock: `per 1d in ZONE`, `over 10m every 1m in ZONE`"
    if here.kind != "sign" and (_in_condition(scene) or "COMMA" in accepts):
        missing = ["an operator"] * _in_condition(scene) + ["a comma"] * ("COMMA" in accepts)
        return f"is {' or '.join(missing)} missing before it?"
    return ""
