"""Names of everything kept in Redis, in one place. A `{tag}` keeps what one script touches in one hash slot."""

from __future__ import annotations


def events(stream: str) -> str:
    """The stream a source of that name is appended to (unless the configuration names another key)."""
    return f"cep:{{{stream}}}:events"


def cell(cell_name: str, what: str) -> str:
    """A key of a cell: `outbox late dead control commit manifest owner chunk:...`, all in the cell's slot."""
    return f"cep:{{cell.{cell_name}}}:{what}"


def channel(channel_name: str, what: str) -> str:
    """A key of a delivery channel: `cursor due pending dead sent ...`, all in the channel's slot."""
    return f"cep:{{channel.{channel_name}}}:{what}"


def generations() -> str:
    """Rule generations: number, author, text, diff."""
    return "cep:{rules}:generations"
