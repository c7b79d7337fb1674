"""tollbar run: the gateway, in the foreground."""

import asyncio
import logging
import sys
from argparse import Namespace

from tollbar.commands import parsers, settings
from tollbar.commands.settings import CommandError

EXAMPLES = """
  tollbar run
  tollbar run --config /etc/tollbar/gateway.yaml
"""


def add(commands: parsers.Commands) -> None:
    parsers.command(commands, "run", run, "the gateway, in the foreground", EXAMPLES)


def run(args: Namespace) -> int:
    # Reading configuration needs neither event loop nor engine: a mistake is told at once.
    gateway = settings.gateway(args)
    from tollbar.b2bua.engine import Engine
    from tollbar.loading import load_snapshot
    from tollbar.server import Server, StartError

    snapshot, findings = load_snapshot(gateway)
    for finding in findings:
        print(f"tollbar: warning: {finding}", file=sys.stderr)
    logging.basicConfig(
        stream=sys.stderr,
        level=gateway.log_level.upper(),
        format="%(asctime)s %(levelname)s %(message)s",
    )
    for library in ("asyncio", "alembic"):
        logging.getLogger(library).setLevel(logging.WARNING)
    try:
        return asyncio.run(Server(gateway, snapshot, Engine, say=say).run())
    except StartError as error:
        raise CommandError(str(error)) from error


def say(line: str) -> None:
    print(line, flush=True)
