"""tollbar check: says what `tollbar run` would refuse, without starting anything."""

from argparse import Namespace
from collections.abc import Callable, Sequence

from tollbar import pem
from tollbar.commands import display, parsers, settings
from tollbar.finding import Finding, Rejected
from tollbar.gateway import Gateway

EXAMPLES = """
  tollbar check
  tollbar check --config /etc/tollbar/gateway.yaml
  tollbar check --json | jq -r .what
"""


def add(commands: parsers.Commands) -> None:
    parser = parsers.command(
        commands,
        "check",
        run,
        "read gateway.yaml, directory.yaml and the database, start nothing",
        EXAMPLES,
    )
    parsers.json_option(parser)


def run(args: Namespace) -> int:
    try:
        gateway = settings.gateway(args)
    except Rejected as refused:
        return show(refused.findings, "error", args.json)
    unusable = pem.findings(gateway)
    if unusable:
        return show(unusable, "error", args.json)
    of_file = held(args, lambda: of_the_file(gateway), f"{gateway.path} and {gateway.directory}")
    of_database = held(args, lambda: of_the_database(gateway), "the directory in the database")
    return of_file or of_database


def held(args: Namespace, look: Callable[[], Sequence[Finding] | None], name: str) -> int:
    """What one directory holds against gateway.yaml; None is that there is no such directory."""
    try:
        warnings = look()
    except Rejected as refused:
        return show(refused.findings, "error", args.json)
    if warnings is None:
        return 0
    show(warnings, "warning", args.json)
    if not args.json:
        told = f" with {len(warnings)} warnings" if warnings else ""
        print(f"{name} can be used{told}")
    return 0


def of_the_file(gateway: Gateway) -> Sequence[Finding] | None:
    from tollbar.administration import directory_kept
    from tollbar.loading import load_snapshot

    if directory_kept(gateway) and not gateway.directory.exists():
        return None
    return load_snapshot(gateway)[1]


def of_the_database(gateway: Gateway) -> Sequence[Finding] | None:
    from tollbar.administration import standing

    found = standing(gateway)
    return found.warnings if found is not None else None


def show(findings: Sequence[Finding], level: str, as_json: bool) -> int:
    """Tell them; the exit code."""
    for finding in findings:
        if as_json:
            display.json_line(
                {
                    "level": level,
                    "file": finding.file,
                    "line": finding.line,
                    "where": finding.where,
                    "what": finding.what,
                    "hint": finding.hint,
                }
            )
        else:
            print(f"{level}: {finding}")
    return 1 if level == "error" else 0
