"""tollbar apply and tollbar export: the whole directory as a file."""

from argparse import Namespace
from pathlib import Path
from typing import Final

from tollbar.commands import administering, parsers
from tollbar.commands.settings import CommandError
from tollbar.directory.assembly import Assembly
from tollbar.directory.writing import write_directory

APPLY: Final = """
  tollbar apply config/directory.yaml --dry-run   what would change
  tollbar apply config/directory.yaml
  tollbar apply acme.yaml --tenant acme           that tenant's part only
"""
EXPORT: Final = """
  tollbar export > directory.yaml
  tollbar export --tenant acme
"""


def add(commands: parsers.Commands) -> None:
    parser = parsers.command(
        commands, "apply", apply, "make the directory equal to a file, all or nothing", APPLY
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a directory.yaml")
    parser.add_argument("--tenant", metavar="NAME", default="", help="this tenant's part only")
    administering.change_options(parser)
    parser = parsers.command(
        commands, "export", export, "print the directory as a directory.yaml", EXPORT
    )
    parser.add_argument("--tenant", metavar="NAME", default="", help="this tenant's part only")


def apply(args: Namespace) -> int:
    with administering.opened(args) as administration:
        outcome = administration.apply(args.file, args.tenant, dry_run=args.dry_run)
        return administering.tell(args, outcome)


def export(args: Namespace) -> int:
    with administering.opened(args, readonly=True) as administration:
        found = Assembly(administration.store.load().entries).tenants
    if args.tenant:
        if args.tenant not in found:
            raise CommandError(f"there is no tenant {args.tenant}")
        found = {"default": found[args.tenant]}
    for line in write_directory(found):
        print(line)
    return 0
