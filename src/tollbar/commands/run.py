"""tollbar run: the gateway, in the foreground."""

import asyncio
import logging
import signal
import sys
import traceback
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
    # A SIGHUP while it starts would end it; the server takes it when it can.
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        return serve(args)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def serve(args: Namespace) -> int:
    # Reading configuration needs neither event loop nor engine: a mistake is told at once.
    gateway = settings.gateway(args)
    from tollbar.administration import start
    from tollbar.b2bua.engine import Engine
    from tollbar.server import Server, StartError

    news: list[str] = []
    standing = start(gateway, warn, news.append)
    for finding in standing.warnings:
        warn(f"warning: {finding}")

    def tell(line: str) -> None:
        """What went well is worth a line once it has led to something."""
        for told in (line, *news):
            print(told, flush=True)
        news.clear()

    server = Server(gateway, standing, Engine, say=tell)
    logging.basicConfig(handlers=[server.own_lines])
    try:
        return asyncio.run(server.run())
    except StartError as error:
        raise CommandError(str(error)) from error
    except OSError:
        # Not of a file that was asked for: a fault, and its place is what one needs.
        traceback.print_exc()
        return 1


def warn(line: str) -> None:
    print(f"tollbar: {line}", file=sys.stderr)
