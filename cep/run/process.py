"""The worker as a process of its own: `python -m cep.run.process --redis URL [--config FILE] [RULES...]`."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

from cep.errors import CepError, RuleError
from cep.loader.config import FILE_NAME, read_config
from cep.run.failpoints import Failpoints
from cep.run.rules import Rules
from cep.run.worker import Worker

RULE_FAULT, CONFIG_FAULT = 2, 3


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="cep.run.process")
    parser.add_argument("--redis", required=True)
    parser.add_argument("--config")
    parser.add_argument("--no-watch", action="store_true")
    parser.add_argument("--level", default="INFO")
    parser.add_argument("rules", nargs="*")
    asked = parser.parse_args(words)
    start_log(asked.level)
    try:
        config = read_config(asked.config)
        path = Path(asked.config or FILE_NAME)
        rules = Rules(asked.rules or None, config, path if path.is_file() else None, watch=not asked.no_watch)
        worker = Worker(config, asked.redis, rules, failpoints=Failpoints.from_environment())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        worker.run()
    except CepError as error:
        print(f"cep: {error}", file=sys.stderr)
        return RULE_FAULT if isinstance(error, RuleError) else CONFIG_FAULT
    return 0


def start_log(level: str) -> None:
    """One line an event on standard error; the processes of a service share it."""
    logging.basicConfig(level=level, format=f"%(asctime)s %(levelname)s %(name)s[{os.getpid()}] %(message)s", stream=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
