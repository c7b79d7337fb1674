"""Commands that ask the running gateway: status, calls, hangup, assign, locks and the like."""

from argparse import ArgumentTypeError, Namespace
from typing import Any, Final

from tollbar.commands import display, parsers, settings
from tollbar.net.control import ask

MOST: Final = 1000
"""As many calls a gateway tells of at a time."""
UNITS = {"s": 1, "m": 60, "h": 3600}


def add(commands: parsers.Commands) -> None:
    parser = parsers.command(
        commands, "status", status, "how the running gateway is", "\n  tollbar status --json\n"
    )
    parsers.json_option(parser, "one JSON object")
    parser = parsers.command(
        commands,
        "calls",
        calls,
        "calls in progress",
        "\n  tollbar calls\n  tollbar calls --json | jq -r .record_id\n",
    )
    parser.add_argument(
        "-n",
        "--limit",
        type=parsers.count,
        metavar="N",
        default=MOST,
        help=f"at most, and never more than {MOST} (default: {MOST})",
    )
    parser.add_argument("--tenant", help="of this tenant only")
    parsers.json_option(parser)
    parser = parsers.command(
        commands,
        "hangup",
        hangup,
        "end a call in progress",
        "\n  tollbar hangup 0199a1b2c3d4\n",
    )
    parser.add_argument("call", metavar="RECORD", help="record id, or how it begins")
    parser = parsers.command(
        commands,
        "assign",
        assign,
        "give a call in progress another account code",
        "\n  tollbar assign 0199a1b2c3d4 4711 --as alice\n"
        "  tollbar assign 0199a1b2c3d4 none --as alice\n",
    )
    parser.add_argument("call", metavar="RECORD", help="record id, or how it begins")
    parser.add_argument("code", metavar="CODE", help="the account code, or none to take it away")
    parser.add_argument(
        "--as", dest="by", metavar="USER", required=True, help="the user whose rights decide"
    )
    parser = parsers.command(
        commands,
        "locks",
        locks,
        "callers who are locked for guessing account codes",
        "\n  tollbar locks\n  tollbar locks lift alice\n  tollbar locks lift 3175550100\n",
    )
    parser.add_argument(
        "what", nargs="?", choices=("list", "lift"), default="list", help="list (default) or lift"
    )
    parser.add_argument("holder", nargs="?", default="", help="whose lock: a user, number or peer")
    parser.add_argument("--tenant", help="of which tenant, where several have that caller")
    parsers.json_option(parser)
    parser = parsers.command(
        commands,
        "drain",
        drain,
        "no new calls; leave when the last one ends",
        "\n  tollbar drain\n  tollbar drain --deadline 10m\n",
    )
    parser.add_argument("--deadline", type=seconds, metavar="TIME", help="leave then at the latest")
    parser = parsers.command(
        commands,
        "trace",
        trace,
        "write the SIP messages of calls to a file, codes masked",
        "\n  tollbar trace on 1001\n  tollbar trace on all\n  tollbar trace off\n",
    )
    parser.add_argument("switch", choices=("on", "off"))
    parser.add_argument("caller", nargs="?", default="all", help="a caller's number, or all")
    parsers.command(
        commands,
        "reload",
        reload,
        "read gateway.yaml and certificates again (as SIGHUP does)",
        "\n  tollbar check && tollbar reload\n",
    )


def asked(args: Namespace, command: str, *, patience: float = 10.0, **request: Any) -> Any:
    return ask(settings.state_directory(args), {"command": command, **request}, patience)


def status(args: Namespace) -> int:
    answer = asked(args, "status")
    if args.json:
        display.json_line(answer)
        return 0
    width = max(map(len, answer))
    for key, value in answer.items():
        text = ", ".join(value) if isinstance(value, list) else str(value)
        if text:
            print(f"{key.replace('_', ' ').ljust(width)}  {text}")
    return 0


def calls(args: Namespace) -> int:
    found = asked(args, "calls", limit=args.limit, tenant=args.tenant)
    if args.json:
        for call in found:
            display.json_line(call)
    else:
        headings = ("State", "Seconds", "From", "To", "Peer", "Trunk", "Class", "Record")
        keys = ("state", "seconds", "caller", "dialled", "peer", "trunk", "classification")
        display.table(
            headings, ([str(call[key]) for key in (*keys, "record_id")] for call in found)
        )
    if len(found) == MOST:
        display.note(f"{MOST} calls, as many as are told of; tollbar status counts them all")
    return 0


def hangup(args: Namespace) -> int:
    print(f"ended {asked(args, 'hangup', call=args.call)}")
    return 0


def assign(args: Namespace) -> int:
    code = "" if args.code == "none" else args.code
    print(f"assigned {asked(args, 'assign', call=args.call, code=code, by=args.by)}")
    return 0


def locks(args: Namespace) -> int:
    if args.what == "lift":
        if not args.holder:
            args.wrong("whose lock? tollbar locks lift HOLDER")
        by = settings.login()
        print(f"lifted {asked(args, 'lift', holder=args.holder, tenant=args.tenant, by=by)}")
        return 0
    if args.holder:
        args.wrong(f"unrecognized arguments: {args.holder}")
    found = asked(args, "locks")
    if args.tenant is not None:
        found = [lock for lock in found if lock["tenant"] == args.tenant]
    if args.json:
        for lock in found:
            display.json_line(lock)
        return 0
    headings = ("Tenant", "Kind", "Holder", "Missed", "Until", "Refused")
    keys = ("tenant", "kind", "holder", "missed", "until")
    display.table(
        headings,
        (
            [*(str(lock[key]) for key in keys), "yes" if lock["refused"] else "no, an alarm"]
            for lock in found
        ),
    )
    return 0


def drain(args: Namespace) -> int:
    print(asked(args, "drain", seconds=args.deadline))
    return 0


def trace(args: Namespace) -> int:
    caller = "" if args.caller == "all" else args.caller
    place = asked(args, "trace", on=args.switch == "on", caller=caller)
    print(f"writing {place}" if args.switch == "on" else f"written {place}")
    return 0


def reload(args: Namespace) -> int:
    # A large dial plan is compiled anew.
    print(asked(args, "reload", patience=60.0))
    return 0


def seconds(text: str) -> float:
    """A length of time: 30, 30s, 10m, 2h."""
    unit = UNITS.get(text[-1:])
    try:
        value = float(text[:-1] if unit else text) * (unit or 1)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e9:
        raise ArgumentTypeError(f"{text!r} is no length of time: 30s, 10m, 2h")
    return value
