"""The one way in which the directory is changed: load, change, compile, commit.

What does not compile with the peers of gateway.yaml is never written. Whoever else changes
other entries meanwhile costs another round; whoever changes the same is told (``Conflict``).
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final

from tollbar.directory.assembly import Assembly
from tollbar.directory.difference import Change, difference
from tollbar.directory.entry import Entry, entries
from tollbar.directory.model import DEFAULT_TENANT, Directory
from tollbar.directory.reading import parse_directory
from tollbar.document import Document
from tollbar.finding import Finding, Place, Rejected
from tollbar.gateway import Gateway
from tollbar.loading import compile_for, load_snapshot, uncollected
from tollbar.policy.snapshot import Snapshot
from tollbar.standing import Standing
from tollbar.store import last_good
from tollbar.store.database import Database, sqlite_url
from tollbar.store.databases import DIRECTORY_FILE
from tollbar.store.directory import DirectoryStore, Held
from tollbar.store.errors import Conflict, Moved, StoreError

ROUNDS: Final = 5
"""So often it is tried again while others change other entries."""

FIRST: Final = "first start"
"""Who loads the file into an empty database."""

Make = Callable[[list[Entry]], list[Entry]]
Say = Callable[[str], None]


@dataclass(slots=True)
class Outcome:
    """What a change did, or with ``dry_run`` would do."""

    changes: list[Change]
    revision: int
    warnings: list[Finding] = field(default_factory=list)


class Administration:
    """The directory of one gateway, opened to be read and, unless ``readonly``, changed."""

    def __init__(
        self, gateway: Gateway, who: str, *, readonly: bool = False, say: Say | None = None
    ) -> None:
        self.gateway = gateway
        self.who = who
        self._say = say or (lambda _line: None)
        self.database = directory_database(gateway, readonly=readonly)
        self.store = DirectoryStore(self.database)

    def __enter__(self) -> "Administration":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self.database.close()

    def change(self, make: Make, *, applied: str = "", dry_run: bool = False) -> Outcome:
        """Make the entries what ``make`` makes of them.

        Raises ``Rejected``, ``Conflict`` or another ``StoreError``; then nothing has changed.
        """
        for _round in range(ROUNDS):
            self._say("reading the directory")
            held = self.store.load()
            with uncollected():
                after = make(held.entries)
                changes = difference(held.entries, after)
                warnings: list[Finding] = []
                if changes:
                    self._say("compiling")
                    warnings = compiled(self.gateway, after, held.revision)
            if dry_run or not (changes or applied):
                return Outcome(changes, held.revision, warnings)
            try:
                self._say(f"writing {len(changes)} changes")
                revision = self.store.commit(changes, self.who, held.revision, applied)
            except Moved:
                continue
            return Outcome(changes, revision, warnings)
        raise StoreError("others change the directory faster than it can be read; try again")

    def apply(self, path: Path, tenant: str = "", *, dry_run: bool = False) -> Outcome:
        """Make the directory equal to a file; with ``tenant`` that tenant's part only."""
        with uncollected():
            directory, digest = read_file(path)
            wanted = _wanted(directory, tenant)

        def make(before: list[Entry]) -> list[Entry]:
            others = [entry for entry in before if tenant and entry.tenant != tenant]
            return [*others, *wanted]

        return self.change(make, applied="" if tenant else digest, dry_run=dry_run)


def directory_database(gateway: Gateway, *, readonly: bool = False) -> Database:
    """Where the directory is kept; raises StoreError."""
    url = gateway.database or sqlite_url(gateway.state_directory / DIRECTORY_FILE)
    return Database(url, readonly=readonly)


def directory_kept(gateway: Gateway) -> bool:
    """Whether there is a database of its own, or a file that a first start made."""
    return bool(gateway.database) or (gateway.state_directory / DIRECTORY_FILE).exists()


def standing(gateway: Gateway) -> Standing | None:
    """The directory in the database as it would be in force; None if there is none yet.

    Nothing is created or changed. Raises ``Rejected`` or ``StoreError``.
    """
    if not directory_kept(gateway):
        return None
    with Administration(gateway, "", readonly=True) as administration:
        held = administration.store.load()
    return Standing(gateway, held) if held.revision else None


def current_snapshot(gateway: Gateway) -> Snapshot:
    """What decides: the database's directory, or the file while that is empty."""
    found = standing(gateway)
    return found.snapshot if found is not None else load_snapshot(gateway)[0]


def compiled(gateway: Gateway, entries: list[Entry], revision: int) -> list[Finding]:
    """What is doubtful about entries that can be used; raises ``Rejected`` if they cannot."""
    place = Place(f"directory revision {revision}" if revision else "directory")
    _, warnings = compile_for(gateway, Directory(place, Assembly(entries).tenants))
    return warnings


def read_file(path: Path) -> tuple[Directory, str]:
    """A directory.yaml and the SHA-256 of its bytes; raises ``Rejected``."""
    try:
        data = path.read_bytes()
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        raise Rejected([Finding(Place(str(path)), "", what)]) from None
    document = Document.parse(data, str(path))
    directory = parse_directory(document)
    document.settle()
    return directory, hashlib.sha256(data).hexdigest()


def _wanted(directory: Directory, tenant: str) -> list[Entry]:
    """The entries a file holds; of one tenant if it is named."""
    found = directory.tenants
    if tenant and tenant not in found:
        if list(found) != [DEFAULT_TENANT]:
            raise Rejected([Finding(directory.source, "", f'holds no tenant "{tenant}"')])
        # The file of one tenant does not say whose it is.
        return entries(tenant, found[DEFAULT_TENANT])
    names = [tenant] if tenant else sorted(found)
    return [entry for name in names for entry in entries(name, found[name])]


def start(gateway: Gateway, warn: Say, say: Say | None = None) -> Standing:
    """The directory to start with: the database's, which a first start fills from the file.

    ``warn`` is told what somebody should look after, ``say`` (or it too) what went as it
    should. Raises ``Rejected`` or ``StoreError``.
    """
    try:
        gateway.state_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or str(error)
        raise StoreError(f"cannot make state directory {gateway.state_directory}: {why}") from error
    kept = gateway.state_directory / last_good.FILE
    try:
        with Administration(gateway, FIRST) as administration:
            store = administration.store
            if store.revision() or not _first(administration, say or warn):
                _compare(gateway.directory, store.applied(), warn)
            held = store.load()
    except StoreError as error:
        last = last_good.last(kept) if gateway.database else None
        if last is None:
            raise
        warn(f"{error}; going on with the directory of revision {last.revision}, kept in {kept}")
        return Standing(gateway, last)
    standing = Standing(gateway, held)
    keep(gateway, held, warn)
    return standing


def _first(administration: Administration, say: Say) -> bool:
    """Read the file into an empty database, unless another gateway was first."""
    path = administration.gateway.directory
    try:
        found = administration.apply(path)
    except Conflict:
        return False
    say(f"{path} read into the database: {len(found.changes)} entries")
    return True


def keep(gateway: Gateway, held: Held, say: Say) -> None:
    """Remember a good directory for a start while its database is away."""
    if gateway.database:
        try:
            last_good.keep(gateway.state_directory / last_good.FILE, held)
        except StoreError as error:
            say(str(error))


def _compare(path: Path, applied: str, say: Say) -> None:
    """Say it where the file is not what was last applied; that it is gone is no news."""
    try:
        data = path.read_bytes()
    except OSError:
        return
    if hashlib.sha256(data).hexdigest() != applied:
        say(f"{path} differs from what was last applied: tollbar apply {path}")
