"""tollbar correct: add, change or take away the account code of a finished call."""

import time
from argparse import Namespace

from tollbar.cdr.export.native import json_object
from tollbar.cdr.filters import Filters
from tollbar.cdr.record import Record
from tollbar.commands import display, parsers, selection, settings
from tollbar.commands.settings import CommandError
from tollbar.policy.account import Code
from tollbar.policy.compiled import TenantPolicy
from tollbar.store.records import Records

EXAMPLES = """
  tollbar correct 01a20aadb3f161614df75d7b0a13d76a 4711 --reason "told by Smith"
  tollbar correct 01a20aadb3f161614df75d7b0a13d76a 0815 --as alice
  tollbar correct 01a20aadb3f161614df75d7b0a13d76a none
"""
NONE = "none"


def add(commands: parsers.Commands) -> None:
    parser = parsers.command(
        commands, "correct", run, "another account code for a finished call", EXAMPLES
    )
    parser.add_argument("record", metavar="RECORD", help="its record id")
    parser.add_argument("code", metavar="CODE", help=f"the account code, or {NONE}")
    parser.add_argument(
        "--as",
        dest="user",
        metavar="USER",
        help="a user, whose rights decide (else the operator of this machine)",
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="for the audit trail")
    parser.add_argument("--tenant", help="of this tenant")
    parsers.json_option(parser, "the record as it is then, one JSON object")


def run(args: Namespace) -> int:
    from tollbar.administration import current_snapshot
    from tollbar.store.correction import correct
    from tollbar.store.database import Database

    gateway = settings.gateway(args)
    store = settings.records(gateway)
    try:
        tenant = selection.tenant(args, gateway, store)
        found = only(store, tenant, args.record)
    finally:
        store.close()
    snapshot = current_snapshot(gateway)
    if tenant not in snapshot.tenants:
        raise CommandError(f"tenant {tenant} has no account codes")
    code = chosen(snapshot.tenants[tenant], args.code, args.user)
    database = Database(store.url)
    try:
        after = correct(database, found, code, args.user or settings.login(), args.reason)
    finally:
        database.close()
    if args.json:
        display.json_line(json_object(after))
    else:
        print(f"{after.record_id}: {told(found)}, now {told(after)}")
    return 0


def only(store: Records, tenant: str, record_id: str) -> Record:
    found = next(store.find(Filters(tenant=tenant, record_ids=(record_id,)), limit=1), None)
    if found is None:
        raise CommandError(f"there is no record {record_id} (a call has one when it is over)")
    return found


def chosen(policy: TenantPolicy, text: str, user: str | None) -> Code | None:
    """The code that is meant, if this user, or the operator, may give it.

    One that was retired or has run out may have been the right one then."""
    from tollbar.policy.queue import may_correct, why

    code = "" if text == NONE else text
    if user is not None:
        actor = policy.users.get(user)
        if actor is None:
            raise CommandError(f"there is no user {user}")
        reason = may_correct(actor, code, time.time(), policy.codes)
        if reason:
            raise CommandError(f"not corrected: {why(reason)}")
    if not code:
        return None
    known = policy.codes.by_code.get(code)
    if known is None:
        raise CommandError("not corrected: there is no such account code")
    return known


def told(record: Record) -> str:
    if not record.account_code:
        return "without a code"
    return f"{record.account_code} {record.account_code_description}".rstrip()
