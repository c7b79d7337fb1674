"""The command line: ``tollbar COMMAND``. Exit codes: 0 done, 1 refused or failed, 2 wrong use."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Final

from tollbar import __version__
from tollbar.commands import parsers
from tollbar.commands.settings import CommandError
from tollbar.finding import Rejected
from tollbar.net.control import ControlError
from tollbar.store.errors import StoreError

EXAMPLES = """examples:
  tollbar run                                    the gateway, in the foreground
  tollbar check                                  is the configuration good?
  tollbar simulate --from 1001 --to 919195551234 --code 4711
  tollbar apply config/directory.yaml            make the directory equal to a file
  tollbar codes add 4712 "Miller estate"         one account code more
  tollbar cdr --day today                        the calls
  tollbar report --by user                       what was billed to which code
  tollbar untagged --day yesterday               calls without a code
  eval "$(tollbar completion)"                   completion for bash

`tollbar COMMAND --help` has more."""


MODULES: Final = {
    "run": ("run",),
    "check": ("check",),
    "simulate": ("simulate",),
    "apply": ("apply", "export"),
    "entries": ("codes", "users", "roles", "workgroups", "dialplan"),
    "audit": ("audit",),
    "cdr": ("cdr",),
    "report": ("report",),
    "untagged": ("untagged",),
    "correct": ("correct",),
    "live": ("status", "calls", "hangup", "assign", "locks", "drain", "trace", "reload"),
    "backup": ("backup", "restore"),
    "completion": ("completion",),
}
"""The modules of ``tollbar.commands`` and their commands: one is loaded when one is asked for,
or asking a running gateway would take as long as opening a database."""


def parser(wanted: str = "") -> argparse.ArgumentParser:
    """All commands, or the one ``wanted`` and those that come with it."""
    top = argparse.ArgumentParser(
        prog="tollbar",
        description="A SIP gateway between a PBX and its trunks that bills calls to account codes.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"tollbar {__version__}")
    parsers.config_option(top)
    top.set_defaults(whole=parser)
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for module, names in MODULES.items():
        if not wanted or wanted in names:
            import_module(f"tollbar.commands.{module}").add(commands)
    return top


def command(arguments: Sequence[str]) -> str:
    """The command among the arguments, "" if there is none that is known."""
    words = iter(arguments)
    for word in words:
        if word in ("-c", "--config"):
            next(words, "")
        elif not word.startswith("-"):
            return word if any(word in names for names in MODULES.values()) else ""
    return ""


def main(arguments: Sequence[str] | None = None) -> int:
    _in_utf8()
    given = sys.argv[1:] if arguments is None else arguments
    args, rest = parser(command(given)).parse_known_args(given)
    _words(args, rest)
    try:
        code = int(args.run(args))
        sys.stdout.flush()
        return code
    except Rejected as refused:
        for finding in refused.findings:
            print(f"tollbar: {finding}", file=sys.stderr)
    except (CommandError, ControlError, StoreError) as error:
        print(f"tollbar: {error}", file=sys.stderr)
    except BrokenPipeError:
        # Whoever read us has seen enough.
        unread()
        return 0
    except OSError as error:
        # A file that may not be opened, or no room where the output goes.
        place = f"{error.filename}: " if error.filename else ""
        print(f"tollbar: {place}{(error.strerror or str(error)).lower()}", file=sys.stderr)
        try:
            sys.stdout.flush()
        except OSError:
            unread()
    except KeyboardInterrupt:
        return 130
    return 1


def _in_utf8() -> None:
    """What is exported can be imported again, and a name can be shown, whatever the locale."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8")


def _words(args: argparse.Namespace, rest: list[str]) -> None:
    """What argparse leaves over: the words behind an option, of a command that takes many."""
    if rest and (not hasattr(args, "words") or any(word.startswith("-") for word in rest)):
        args.wrong(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        args.words += rest


def unread() -> None:
    """Standard output leads nowhere any more; the flush at exit must not stumble over it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
