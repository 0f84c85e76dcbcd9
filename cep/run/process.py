"""The processes of a service: `python -m cep.run.process worker|faces --redis URL [--config FILE] [RULES...]`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from cep.config import Config
from cep.errors import CepError, ConfigError, RuleError
from cep.loader.config import FILE_NAME, read_config
from cep.run.failpoints import Failpoints

RULE_FAULT, CONFIG_FAULT = 2, 3
LOG_VARIABLE = "CEP_LOG"
LEVELS = ("debug", "info", "warning", "error")


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="cep.run.process")
    parser.add_argument("role", choices=("worker", "faces"))
    parser.add_argument("--redis", required=True)
    parser.add_argument("--config")
    parser.add_argument("--service", default="", help="a name that the processes of one service share")
    parser.add_argument("--no-watch", action="store_true")
    parser.add_argument("rules", nargs="*")
    asked = parser.parse_intermixed_args(words)  # rules stand behind options, where plain parsing no longer takes them
    try:
        start_log()
        config = read_config(asked.config)
        path = Path(asked.config or FILE_NAME)
        known = path if path.is_file() else None
        if asked.role == "worker":
            _work(asked, config, known)
        else:
            _face(asked, config, known)
    except RuleError as error:
        logging.error("%s", error)
        return RULE_FAULT
    except ConfigError as error:
        logging.error("%s: %s", error.code, error)
        return CONFIG_FAULT
    except CepError as error:
        logging.error("%s", error)
        return 1
    return 0


def _work(asked: argparse.Namespace, config: Config, config_path: Path | None) -> None:
    from cep.run.rules import Rules  # each process loads what it runs, and no more
    from cep.run.worker import Worker

    rules = Rules(asked.rules or None, config, config_path, watch=not asked.no_watch)
    worker = Worker(config, asked.redis, rules, service=asked.service, failpoints=Failpoints.from_environment())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    worker.run()


def _face(asked: argparse.Namespace, config: Config, config_path: Path | None) -> None:
    from cep.run.faces import Faces  # aiohttp and delivery

    asyncio.run(Faces(config, config_path, asked.rules or None, asked.redis, asked.service).run())


def start_log() -> None:
    """One line an event on standard error, shared by the processes of a service.

    raises  ConfigError: CEP_LOG names no level
    """
    level = os.environ.get(LOG_VARIABLE, "info").lower()
    if level not in LEVELS:
        raise ConfigError(f"{LOG_VARIABLE}={level} is no level", f"one of {', '.join(LEVELS)}", "E0917")
    form = "%(asctime)s %(levelname)s %(name)s[%(process)d] %(message)s"
    logging.basicConfig(level=level.upper(), format=form, stream=sys.stderr)
    logging.getLogger("watchfiles").setLevel("WARNING")  # what changed is told by those who know what it means


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
