"""tollbar simulate: what would happen with a call, and why, without placing it."""

import time
from argparse import Namespace

from tollbar.commands import display, parsers, settings
from tollbar.commands.settings import CommandError
from tollbar.gateway import Gateway

EXAMPLES = """
  tollbar simulate --from 1001 --to 919195551234 --code 4711
  tollbar simulate --from 1002 --to '*61*4711#3175551234'
  tollbar simulate --peer carrier --from 3175551234 --to 1001 --json
"""


def add(commands: parsers.Commands) -> None:
    parser = parsers.command(
        commands, "simulate", run, "what would happen with a call, and why", EXAMPLES
    )
    parser.add_argument("--from", dest="caller", metavar="NUMBER", required=True, help="who calls")
    parser.add_argument("--to", dest="dialled", metavar="NUMBER", required=True, help="as dialled")
    parser.add_argument("--code", action="append", default=[], help="account code, in its header")
    parser.add_argument("--peer", help="where the call comes from (else the first PBX)")
    parser.add_argument("--diverted-by", action="append", default=[], metavar="NUMBER")
    parsers.json_option(parser, "one JSON object")


def run(args: Namespace) -> int:
    from tollbar.loading import load_snapshot
    from tollbar.policy import explain
    from tollbar.policy.attempt import FORWARD, Attempt, Situation
    from tollbar.policy.decision import decide

    gateway = settings.gateway(args)
    snapshot, _ = load_snapshot(gateway)
    attempt = Attempt(
        peer=peer_name(gateway, args.peer),
        dialled=args.dialled,
        asserted=[args.caller],
        from_user=args.caller,
        diverters=args.diverted_by,
        codes=[("header", code) for code in args.code],
    )
    decision = decide(snapshot, attempt, Situation(time.time()))
    if args.json:
        display.json_line(explain.as_dict(decision))
    else:
        print(explain.as_text(decision))
    return 0 if decision.action == FORWARD else 1


def peer_name(gateway: Gateway, named: str | None) -> str:
    names = [peer.name for peer in gateway.peers]
    if named is None:
        exchanges = [peer.name for peer in gateway.peers if peer.role == "pbx"]
        return (exchanges or names)[0]
    if named not in names:
        raise CommandError(f"no peer {named!r}; there are {', '.join(names)}")
    return named
