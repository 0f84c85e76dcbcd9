"""`cep send`: events from a file to a running service, or straight into its Redis."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from cep.buffer import keys
from cep.buffer.ingest import AsyncAppender
from cep.buffer.link import connect_async
from cep.cli.rules_on_disk import config_option
from cep.cli.show import next_step, plural
from cep.config import Config, redis_of
from cep.errors import ConfigError
from cep.loader.config import read_config
from cep.sources.file import read_file
from cep.sources.send import GO_ON, HttpSender, RedisSender, Sent, producer_of, send_all


@click.command()
@click.argument("file")
@click.option("--to", "target", metavar="URL", help="http://host:port of a running service, or redis://...")
@click.option("--stream", metavar="NAME", help="the stream to send to; needed if several are declared and none is `event`")
@click.option("--producer", metavar="NAME", help="a name for this sending; another file needs another name")
@click.option("--token", envvar="CEP_INGEST_TOKEN", metavar="TOKEN", help="token of the ingest")
@config_option
def command(
    file: str, target: str | None, stream: str | None, producer: str | None, token: str | None, config_path: str | None
) -> int:
    """Send JSON lines (a file, .gz too, or - for standard input).

    A file is known by its content: sent again, whole or after a break, each of its events counts once. A file that has
    changed is another file. What comes from standard input is new each time, unless --producer names it: then events
    are known by that name and their line numbers.

    Without --to: the address that `listen` names in cep.yml, else its `redis`.
    """
    config = read_config(config_path)
    target = target or (f"http://{config.listen}" if config.listen else redis_of(config))
    if target is None:
        mend = "add --to http://127.0.0.1:8088, or `listen:` to cep.yml"
        raise ConfigError("nothing says where to send the events", mend, "E0966")
    if "://" not in target:
        raise ConfigError(f"`{target}` is no address to send to", f"write --to http://{target}", "E0966")
    sent = asyncio.run(_send(file, config, target, stream, producer, token))
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", nl=False, err=True)
    for line in summary(sent, named=producer is not None):
        click.echo(line, err=True)
    next_step("cep rules, to see what is running" if not sent.rejected else "mend those lines and send them as a new file")
    return 1 if sent.rejected else 0


def summary(sent: Sent, *, named: bool) -> list[str]:
    """What became of the events, new and known apart. named: whether the sender's name was given, not made from the file."""
    if named:
        why = "the same producer and line numbers; a different file needs another --producer"
    else:
        why = "the same file"
    if not sent.known:
        words = f"{plural(sent.accepted, 'event')} sent"
    else:
        verb = "was" if sent.known == 1 else "were"
        words = (
            f"{sent.accepted:,} new {'event' if sent.accepted == 1 else 'events'}, {sent.known:,} {verb} there already ({why})"
        )
        if named:
            words = f"warning: {words}"
    lines = [words + (f", {sent.rejected:,} rejected" if sent.rejected else "")]
    return lines + [f"not taken: line {position}: {reason}" for position, reason in sent.faults[:5]]


async def _send(file: str, config: Config, target: str, stream: str | None, producer: str | None, token: str | None) -> Sent:
    again = producer is not None or (file != "-" and Path(file).is_file())
    mend = GO_ON if again else "the events that are in would count again: send the rest only"
    told = _told if sys.stderr.isatty() else None
    producer = producer or producer_of(file)
    if target.startswith(("http://", "https://")):
        async with HttpSender(target, stream=stream, token=token, producer=producer) as sender:
            return await send_all(read_file(file), sender, told=told, waiting=_waiting, mend=mend)
    name = stream or _only_stream(config)
    if name not in config.streams:
        raise ConfigError(f"there is no stream `{name}`", f"declared are: {', '.join(config.streams)}", "E0953")
    client = connect_async(target)
    try:
        to_redis = RedisSender(AsyncAppender(client), config.streams[name].key or keys.events(name), producer=producer)
        return await send_all(read_file(file), to_redis, told=told, waiting=_waiting, mend=mend)
    finally:
        await client.aclose()


def _only_stream(config: Config) -> str:
    """The stream that needs no naming, as the ingest of a service chooses it."""
    name = next(iter(config.streams)) if len(config.streams) == 1 else "event"
    if name not in config.streams:
        raise ConfigError("there are several streams", f"name one with --stream: {', '.join(config.streams)}", "E0953")
    return name


def _told(sent: Sent) -> None:
    click.echo(f"\r{sent.accepted + sent.known:,} events", nl=False, err=True)


def _waiting(text: str) -> None:
    click.echo(text, err=True)
