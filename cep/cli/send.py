"""`cep send`: events from a file to a running service, or straight into its Redis."""

from __future__ import annotations

import asyncio

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
from cep.sources.send import HttpSender, RedisSender, Sent, send_all


@click.command()
@click.argument("file")
@click.option("--to", "target", metavar="URL", help="http://host:port of a running service, or redis://...")
@click.option("--stream", metavar="NAME", help="the stream to send to (the only one declared, if there is one)")
@click.option("--producer", metavar="NAME", help="a name of your own, to go on after a break")
@click.option("--token", envvar="CEP_INGEST_TOKEN", metavar="TOKEN", help="token of the ingest")
@config_option
def command(
    file: str, target: str | None, stream: str | None, producer: str | None, token: str | None, config_path: str | None
) -> int:
    """Send JSON lines (a file, .gz too, or - for standard input).

    Each event counts once, also when its parcel has to be sent again. Without --to: the address that `listen` names
    in cep.yml, else its `redis`.
    """
    config = read_config(config_path)
    target = target or (f"http://{config.listen}" if config.listen else redis_of(config))
    if target is None:
        mend = "add --to http://127.0.0.1:8088, or `listen:` to cep.yml"
        raise ConfigError("nothing says where to send the events", mend, "E0966")
    sent = asyncio.run(_send(file, config, target, stream, producer, token))
    click.echo(f"\r{plural(sent.accepted, 'event')} sent" + (f", {sent.rejected:,} rejected" if sent.rejected else ""), err=True)
    for position, reason in sent.faults[:5]:
        click.echo(f"not taken: line {position}: {reason}", err=True)
    next_step("cep rules, to see what is running" if not sent.rejected else "mend those lines and send them again")
    return 1 if sent.rejected else 0


async def _send(file: str, config: Config, target: str, stream: str | None, producer: str | None, token: str | None) -> Sent:
    if target.startswith(("http://", "https://")):
        async with HttpSender(target, stream=stream, token=token, producer=producer) as sender:
            return await send_all(read_file(file), sender, told=_told)
    name = stream or next(iter(config.streams))
    if name not in config.streams:
        raise ConfigError(f"there is no stream `{name}`", f"declared are: {', '.join(config.streams)}", "E0953")
    client = connect_async(target)
    try:
        key = config.streams[name].key or keys.events(name)
        return await send_all(read_file(file), RedisSender(AsyncAppender(client), key, producer=producer), told=_told)
    finally:
        await client.aclose()


def _told(sent: Sent) -> None:
    click.echo(f"\r{sent.accepted:,} events sent", nl=False, err=True)
