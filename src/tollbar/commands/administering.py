"""What the commands that read or change the directory share: options, and how a change is told."""

import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any, Final

from tollbar.commands import display, settings
from tollbar.commands.settings import CommandError
from tollbar.directory.difference import Change
from tollbar.directory.model import DEFAULT_TENANT
from tollbar.directory.told import told
from tollbar.policy import finding

if TYPE_CHECKING:
    from tollbar.administration import Administration, Make, Outcome

# A change of these makes no plan doubtful that was not so before.
_HARMLESS: Final = (finding.CODE, finding.DEFAULT_USER, finding.ROLE, finding.USER)


def tenant_option(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--tenant",
        metavar="NAME",
        default=DEFAULT_TENANT,
        help="of this tenant, where there are several",
    )


def change_options(parser: ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="say what would change, no more")
    parser.add_argument(
        "--as", dest="who", metavar="NAME", default="", help="who does it (else your login name)"
    )
    parser.add_argument("--json", action="store_true", help="each change as JSON, one a line")


def opened(args: Namespace, *, readonly: bool = False) -> "Administration":
    """The directory of the configured gateway; raises CommandError, Rejected or StoreError."""
    # What it imports is felt at the prompt by whoever asks for something else.
    from tollbar.administration import Administration, directory_kept

    gateway = settings.gateway(args)
    if readonly and not directory_kept(gateway):
        raise CommandError(f"there is no directory yet: tollbar apply {gateway.directory}")
    who = getattr(args, "who", "") or settings.login()
    say = progress if sys.stderr.isatty() else None
    return Administration(gateway, who, readonly=readonly, say=say)


def progress(line: str) -> None:
    print(f"{line} ...", file=sys.stderr)


def changed(args: Namespace, make: "Make") -> int:
    """Make a change and tell of it."""
    with opened(args) as administration:
        return tell(args, administration.change(make, dry_run=args.dry_run))


def tell(args: Namespace, outcome: "Outcome") -> int:
    for change in outcome.changes:
        if args.json:
            display.json_line(as_dict(change))
        else:
            print(display.clean(told(change)))
    if any(change.kind not in _HARMLESS for change in outcome.changes):
        for warning in outcome.warnings:
            print(f"tollbar: warning: {warning}", file=sys.stderr)
    if args.json:
        return 0
    count = f"{len(outcome.changes)} change{'' if len(outcome.changes) == 1 else 's'}"
    if not outcome.changes:
        print(f"no change, revision {outcome.revision}")
    elif args.dry_run:
        print(f"{count} would be made to revision {outcome.revision}; none was")
    else:
        print(f"{count}, revision {outcome.revision}")
    return 0


def as_dict(change: Change) -> dict[str, Any]:
    return {
        "tenant": change.tenant,
        "kind": change.kind,
        "key": change.key,
        "before": change.before,
        "after": change.after,
    }
