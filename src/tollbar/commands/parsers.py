"""What all commands share of argparse: the common options, examples, the run function."""

import argparse
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from typing import TypeAlias

# Quoted: argparse cannot be subscripted while running.
Commands: TypeAlias = "argparse._SubParsersAction[ArgumentParser]"


def config_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        # Given before or behind the command; the one does not undo the other.
        default=argparse.SUPPRESS,
        help="gateway.yaml (else $TOLLBAR_CONFIG, ./config/gateway.yaml, the checkout's, "
        "/etc/tollbar/gateway.yaml)",
    )


def command(
    commands: Commands,
    name: str,
    run: Callable[[Namespace], int],
    text: str,
    examples: str,
) -> ArgumentParser:
    parser = commands.add_parser(
        name,
        help=text,
        description=text[:1].upper() + text[1:] + ".",
        epilog=f"examples:{examples.rstrip()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # What argparse cannot see is wrong use too: `args.wrong(text)` says so and exits with 2.
    parser.set_defaults(run=run, wrong=parser.error)
    config_option(parser)
    return parser


def count(text: str) -> int:
    """How many of a list, at least one."""
    if not (text.isascii() and text.isdigit() and 0 < int(text[:20]) < 10**18):
        raise ArgumentTypeError(f"{text!r} is no number of entries: 1 or more")
    return int(text)


def json_option(parser: ArgumentParser, text: str = "JSON, one object a line") -> None:
    parser.add_argument("--json", action="store_true", help=text)
