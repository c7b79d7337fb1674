"""tollbar backup and restore: the files of the state directory, while the gateway runs."""

from argparse import Namespace
from pathlib import Path
from typing import Final

from tollbar.commands import parsers, settings
from tollbar.store import backup

BACKUP: Final = """
  tollbar backup /var/backups/tollbar/          a new file there, named by the time
  tollbar backup before-upgrade.tar
"""
RESTORE: Final = """
  tollbar restore before-upgrade.tar            no gateway may run meanwhile
  tollbar restore before-upgrade.tar --into /tmp/look
"""
ELSEWHERE: Final = "records and directory are in {name}: back that up with its own tools ({tool})"


def add(commands: parsers.Commands) -> None:
    parser = parsers.command(
        commands, "backup", back_up, "copy the state directory's files into one", BACKUP
    )
    parser.add_argument("to", type=Path, metavar="FILE|DIRECTORY", help="a new file, or where")
    parser = parsers.command(
        commands, "restore", restore, "take the state directory's files from a backup", RESTORE
    )
    parser.add_argument("archive", type=Path, metavar="FILE", help="what tollbar backup made")
    parser.add_argument(
        "--into", type=Path, metavar="DIRECTORY", help="there instead of the state directory"
    )


def back_up(args: Namespace) -> int:
    gateway = settings.gateway(args)
    made = backup.back_up(gateway.state_directory, args.to)
    print(f"{made.path}: {', '.join(made.names)}, {made.size / 1e6:.1f} MB, checked")
    if gateway.database.startswith("postgresql"):
        print(ELSEWHERE.format(name="PostgreSQL", tool="pg_dump"))
    elif gateway.database:
        print(ELSEWHERE.format(name="the file of `database`", tool="sqlite3 FILE '.backup ...'"))
    return 0


def restore(args: Namespace) -> int:
    state = args.into or settings.gateway(args).state_directory
    aside = backup.restore(args.archive, state)
    if aside is not None:
        print(f"what was in {state} is in {aside}")
    print(f"{state} is as it was in {args.archive}")
    return 0
