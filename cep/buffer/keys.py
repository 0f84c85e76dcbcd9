"""Names of everything kept in Redis, in one place. A `{tag}` keeps what one script touches in one hash slot.

Shapes of what lies under them:

    events     stream; an entry is one document (`json <document>`, or any single field whose value is a JSON object), many
               (`lines <documents, one a line>`), or plain field-value pairs
    outbox     stream; `id <alert id> alert <JSON of cep.alert.AlertRow>`: each exactly once, in the order they became certain
    late dead  streams; `id <kind:stream:position> stream position code reason doc`: rows that were never fed, and why
    control    stream, ids `<commit number>-<n>`; `kind data`: what moved time or rules besides events (cep.buffer.control)
    gaps       stream; `gap <JSON of cep.buffer.gaps.Gap>`: input that was lost before it was read
    commit     hash; `number by state flips`: how far everything has come (cep.buffer.commit)
    manifest   msgpack of cep.buffer.checkpoint.Manifest: which chunks hold the state
    owner      hash; `name until_ms who service`: which worker may commit
    generations  stream, ids `<number>-0`; `author hash at_us files problems`: rule texts, the last one is to run
"""

from __future__ import annotations


def events(stream: str) -> str:
    """The stream a source of that name is appended to (unless the configuration names another key)."""
    return f"cep:{{{stream}}}:events"


def cell(cell_name: str, what: str) -> str:
    """A key of a cell: `outbox late dead control gaps commit manifest owner ids:0 ids:1 chunks chunk:...`, all in its slot."""
    return f"cep:{{cell.{cell_name}}}:{what}"


def channel(channel_name: str, what: str) -> str:
    """A key of a delivery channel: `cursor due pending dead sent ...`, all in the channel's slot."""
    return f"cep:{{channel.{channel_name}}}:{what}"


def channels() -> str:
    """Set of the channels that take part in delivery: one that left must not return to where it was then."""
    return "cep:{channels}:names"


def generations() -> str:
    """Rule generations: number, author, text, diff."""
    return "cep:{rules}:generations"


def producer(stream_key: str, name: str) -> str:
    """Where the last sequence of a producer is kept: in the slot of the stream, whatever that is called."""
    start = stream_key.find("{")
    end = stream_key.find("}", start + 1)
    tag = stream_key[start + 1 : end] if start >= 0 and end > start + 1 else stream_key
    return f"cep:{{{tag}}}:producer:{name}"
