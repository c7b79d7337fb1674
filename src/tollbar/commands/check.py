"""tollbar check: says what `tollbar run` would refuse, without starting anything."""

from argparse import Namespace

from tollbar.commands import display, parsers, settings
from tollbar.finding import Finding, Rejected

EXAMPLES = """
  tollbar check
  tollbar check --config /etc/tollbar/gateway.yaml
  tollbar check --json | jq -r .what
"""


def add(commands: parsers.Commands) -> None:
    parser = parsers.command(
        commands, "check", run, "read gateway.yaml and directory.yaml, start nothing", EXAMPLES
    )
    parsers.json_option(parser)


def run(args: Namespace) -> int:
    from tollbar.loading import load_snapshot

    try:
        gateway = settings.gateway(args)
        _, warnings = load_snapshot(gateway)
    except Rejected as refused:
        for finding in refused.findings:
            show(finding, "error", args.json)
        return 1
    for finding in warnings:
        show(finding, "warning", args.json)
    if not args.json:
        told = f" with {len(warnings)} warnings" if warnings else ""
        print(f"{gateway.path} and {gateway.directory} can be used{told}")
    return 0


def show(finding: Finding, level: str, as_json: bool) -> None:
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
