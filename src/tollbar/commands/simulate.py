"""tollbar simulate: what would happen with a call, and why, without placing it."""

import time
from argparse import ArgumentTypeError, Namespace
from datetime import datetime
from math import inf
from zoneinfo import ZoneInfo

from tollbar.commands import display, parsers, settings
from tollbar.gateway import Gateway

EXAMPLES = """
  tollbar simulate --from 1001 --to 919195551234 --code 4711
  tollbar simulate --from 1002 --to '*61*4711#3175551234'
  tollbar simulate --from 1001 --to 9195551234 --sticky 4711 --workgroup litigation
  tollbar simulate --from 1001 --to 9195551234 --at 2026-12-24T20:00
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
    parser.add_argument("--workgroup", action="append", default=[], help="named in X-Workgroup")
    parser.add_argument("--sticky", metavar="CODE", default="", help="as if it were set before")
    parser.add_argument("--locked", action="store_true", help="as if the caller had guessed codes")
    parser.add_argument(
        "--at", type=instant, metavar="TIME", help="when, in the time zone of gateway.yaml"
    )
    parsers.json_option(parser, "one JSON object")


def run(args: Namespace) -> int:
    from tollbar.administration import current_snapshot
    from tollbar.policy import explain
    from tollbar.policy.attempt import REJECT, Attempt, Situation
    from tollbar.policy.decision import decide
    from tollbar.policy.guess import Guess

    gateway = settings.gateway(args)
    snapshot = current_snapshot(gateway)
    attempt = Attempt(
        peer=peer_name(gateway, args),
        dialled=args.dialled,
        asserted=[args.caller],
        from_user=args.caller,
        diverters=args.diverted_by,
        codes=[("header", code) for code in args.code],
        workgroups=args.workgroup,
    )
    situation = Situation(moment(args.at, gateway.timezone))
    decision = decide(snapshot, attempt, situation)
    if args.sticky or args.locked:
        # Whose these are is known only once the caller was found.
        if args.sticky:
            situation.sticky = {decision.holder: args.sticky}
        if args.locked:
            situation.guesses = {decision.holder: Guess(locks=1, until=inf)}
        decision = decide(snapshot, attempt, situation)
    if args.json:
        display.json_line(explain.as_dict(decision))
    else:
        print(explain.as_text(decision))
    return 1 if decision.action == REJECT else 0


def instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time: 2026-12-24T20:00") from None


def moment(given: datetime | None, zone: str) -> float:
    """The instant that is meant, by default now."""
    if given is None:
        return time.time()
    return (given if given.tzinfo else given.replace(tzinfo=ZoneInfo(zone))).timestamp()


def peer_name(gateway: Gateway, args: Namespace) -> str:
    names = [peer.name for peer in gateway.peers]
    if args.peer is None:
        exchanges = [peer.name for peer in gateway.peers if peer.role == "pbx"]
        return (exchanges or names)[0]
    if args.peer not in names:
        # 1 would say that the call is refused.
        args.wrong(f"no peer {args.peer!r}; there are {', '.join(names)}")
    return str(args.peer)
