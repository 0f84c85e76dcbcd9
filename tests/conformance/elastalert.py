"""ElastAlert 2's tests of its kinds of rules, said as rules of ours.

    frequency    when count() >= n over T, then reset; numbers that a query counted are summed
    spike        when count() against baseline(count() per T, over T)
    cardinality  when distinct(x) > n over T
    blacklist, whitelist   from T where x in [..], x not in [..]
    change       when changed(x, y) in T
    new_term     when first_seen(x) in T

Its windows do not hold what is exactly T old; ours do (docs/language.md, Meaning 12). A millisecond less makes the same of them,
for times in whole milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from cep.alert import Alert
from tests.conformance.cases import Case, read_cases

Row = dict[str, Any]
HOUR_US = 3_600_000_000
BEFORE_US = 24 * HOUR_US  # what was known before the first call is said so long before it


def cases() -> list[Case]:
    names: dict[str, int] = {}
    made = []
    for row in read_cases("elastalert")["cases"]:
        names[row["test"]] = names.get(row["test"], 0) + 1
        made.append(_case(f"{row['test']}#{names[row['test']]}", row))
    return made


def _case(name: str, row: Row) -> Case:
    if row["rule_class"] not in _RULES:
        return Case(name, cannot=f"a {row['rule_class']} is none of ours")
    rule = _RULES[row["rule_class"]](row)
    events = sorted(_history(row) + list(_events(row)), key=lambda event: event["ts"])
    first_us = min(event["ts"] for event in _events(row))
    expected = sorted(
        {
            _time_us(_stamp(match, row)) + _later_us(row, number)
            for number, call in enumerate(row["calls"])
            for match in call["matches"]
        }
    )

    def same(alerts: Sequence[Alert]) -> bool:
        return sorted(alert.time_us for alert in alerts if alert.time_us >= first_us) == expected

    return Case(name, rule, tuple(events), events[-1]["ts"], same, expected=str([us // 1000 for us in expected]))


def _window(row: Row) -> str:
    """The time frame, open at its far end."""
    return f"{int(row['rules']['timeframe']['seconds'] * 1000) - 1}ms"


def _by(row: Row) -> str:
    return f"  by {row['rules']['query_key']}\n" if row["rules"].get("query_key") else ""


def _counted(row: Row) -> str:
    """What counts: events, or the numbers that queries counted."""
    return "sum(n)" if any(call["call"] != "add_data" for call in row["calls"] if call["call"].startswith("add_")) else "count()"


def _frequency(row: Row) -> str:
    number = row["rules"]["num_events"]
    return f"rule r\n{_by(row)}  from e\n  when {_counted(row)} >= {number} over {_window(row)}\n  then reset\n"


def _spike(row: Row) -> str:
    rules, count, seconds = row["rules"], _counted(row), int(row["rules"]["timeframe"]["seconds"])
    # Numbers that a query counted come one a time frame, so one whole time frame lies before; events are counted by tenths.
    base = f"baseline({count} per {seconds}s, over {2 * seconds}s)"
    if count == "count()":
        base = f"10 * baseline(count() per {100 * seconds}ms, over {seconds}s)"
    if rules.get("alert_on_new_data"):
        base = f"coalesce({base}, 0)"
    height = rules["spike_height"]
    up, down = f"{count} >= {height} * {base}", f"{count} * {height} <= {base}"
    ways = {"up": up, "down": down, "both": f"({up} or {down})"}
    floors = [f"{base} >= {rules['threshold_ref']}"] if "threshold_ref" in rules else []
    floors += [] if floors or rules.get("alert_on_new_data") else [f"{base} > 0"]
    floors += [f"{count} >= {rules['threshold_cur']}"] if "threshold_cur" in rules else []
    return f"rule r\n{_by(row)}  from e\n  when {' and '.join([ways[rules['spike_type']], *floors])} over {_window(row)}\n"


def _cardinality(row: Row) -> str:
    rules = row["rules"]
    condition = f"distinct({rules['cardinality_field']}) > {rules['max_cardinality']}"
    return f"rule r\n{_by(row)}  from e\n  when {condition} over {_window(row)}\n"


def _listed(word: str, key: str) -> Callable[[Row], str]:
    def rule(row: Row) -> str:
        items = ", ".join('"' + item + '"' for item in sorted(eval(row["rules"][key], {"__builtins__": {}})))
        return f"rule r\n  from e where {row['rules']['compare_key']} {word} [{items}]\n"

    return rule


def _change(row: Row) -> str:
    rules = row["rules"]
    over = _window(row) if "timeframe" in rules else "1d"
    present = " and ".join(f"{name} is not null" for name in rules["compound_compare_key"])
    return f"rule r\n{_by(row)}  from e where {present}\n  when changed({', '.join(rules['compound_compare_key'])}) in {over}\n"


def _new_term(row: Row) -> str:
    """One rule for the field that the case is about."""
    (match, *_) = (match for call in row["calls"] for match in call["matches"])
    if "missing_field" in match:
        return f"rule r\n  from e where {match['missing_field']} is null\n"
    return f"rule r\n  from e\n  when first_seen({match['new_field']}) in 30d\n"


_RULES: dict[str, Callable[[Row], str]] = {
    "FrequencyRule": _frequency,
    "SpikeRule": _spike,
    "CardinalityRule": _cardinality,
    "BlacklistRule": _listed("in", "blacklist"),
    "WhitelistRule": _listed("not in", "whitelist"),
    "ChangeRule": _change,
    "NewTermsRule": _new_term,
}


# ---------------------------------------------------------------- events


def _events(row: Row) -> Iterator[dict[str, Any]]:
    """What the calls gave. A list of one value, as which a key may come, is that value."""
    for number, call in enumerate(row["calls"]):
        match call["call"]:
            case "add_data":
                for event in call["args"][0]:
                    ts = _time_us(_stamp(event, row)) + _later_us(row, number)
                    yield {"type": "e", "ts": ts, **_plain(event, row)}
            case "add_count_data":
                for time, count in call["args"][0].items():
                    yield {"type": "e", "ts": _time_us(time), "n": count}
            case "add_terms_data":
                key = row["rules"]["query_key"]
                for time, terms in call["args"][0].items():
                    yield from ({"type": "e", "ts": _time_us(time), key: term["key"], "n": term["doc_count"]} for term in terms)


def _later_us(row: Row, call: int) -> int:
    """Some tests begin anew with each of their calls, from the same time on: ours come a month apart."""
    anew = (
        len(row["calls"]) > 1 and len({_stamp(one["args"][0][0], row) for one in row["calls"] if one["call"] == "add_data"}) == 1
    )
    return 30 * BEFORE_US * call if anew else 0


def _history(row: Row) -> list[dict[str, Any]]:
    """What was known before: the terms of the first call that brought no match, which the rule had asked the store for."""
    if row["rule_class"] != "NewTermsRule" or row["calls"][0]["n_matches_after"]:
        return []
    first = list(_events({**row, "calls": row["calls"][:1]}))
    return [{**event, "ts": event["ts"] - BEFORE_US} for event in first]


def _plain(event: Row, row: Row) -> Row:
    kept = {name: value for name, value in event.items() if name != row["rules"].get("timestamp_field", "@timestamp")}
    return {name: value[0] if isinstance(value, list) and len(value) == 1 else value for name, value in kept.items()}


def _stamp(event: Row, row: Row) -> str:
    return str(event.get(row["rules"].get("timestamp_field", "@timestamp"), event.get("@timestamp")))


def _time_us(text: str) -> int:
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return round(at.timestamp() * 1_000_000)


DIFFERENT = {
    "test_freq_out_of_order#1": "events out of order are sorted first: the 59th by event time is not the last to come",
    "test_spike#1": "a window is judged when events leave it too: the fall is told as it happens, not with the next event",
}
