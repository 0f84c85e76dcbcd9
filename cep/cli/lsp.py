"""`cep lsp`: the language server, over standard input and output."""

from __future__ import annotations

import click

from cep.errors import ConfigError


@click.command()
@click.option("--stdio", is_flag=True, help="the default, and the only way; editors like to say it")
def command(stdio: bool) -> int:
    """Answer an editor: faults while you type, completion, what words mean, layout. Ends when the editor does.

    Needs the extra `lsp`: pip install "cepheid[lsp]".
    """
    try:
        from cep.lsp.server import make_server  # pygls is an extra: nobody else pays for it
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.split(".")[0] not in ("pygls", "lsprotocol"):
            raise
        message = f"the language server needs `{missing.name.split('.')[0]}`"
        raise ConfigError(message, 'install the extra `lsp`: pip install "cepheid[lsp]"', "E0981") from missing
    make_server().start_io()
    return 0
