"""The directory in force: what the database holds, compiled with gateway.yaml.

Shared by the thread that follows the database and the one that reads gateway.yaml again; its
lock is held while one of them compiles, so that the newest snapshot knows the newest of both.
It must never give up a good snapshot for one that does not compile.
"""

from collections.abc import Iterable
from threading import Lock
from typing import Protocol

from tollbar.directory.assembly import Assembly
from tollbar.directory.entry import Entry
from tollbar.directory.model import Directory
from tollbar.finding import Finding, Place
from tollbar.gateway import Gateway
from tollbar.loading import compile_for, uncollected
from tollbar.policy.snapshot import Snapshot


class Loaded(Protocol):
    """The whole directory at one revision."""

    @property
    def revision(self) -> int: ...
    @property
    def entries(self) -> Iterable[Entry]: ...


class Standing:
    """``in_force`` are the gateway and the snapshot that go together; ``warnings`` came with
    them. ``taken`` is the revision that was taken last, ``revision`` the one in force."""

    __slots__ = ("_assembly", "_lock", "in_force", "revision", "taken", "warnings")

    def __init__(self, gateway: Gateway, loaded: Loaded) -> None:
        """Raises ``Rejected`` where the two do not fit."""
        self._lock = Lock()
        self.revision = self.taken = loaded.revision
        self.in_force: tuple[Gateway, Snapshot]
        self.warnings: list[Finding] = []
        with uncollected():
            self._assembly = Assembly(loaded.entries)
            self._compile(gateway, None)

    @property
    def gateway(self) -> Gateway:
        return self.in_force[0]

    @property
    def snapshot(self) -> Snapshot:
        return self.in_force[1]

    def take_gateway(self, gateway: Gateway) -> None:
        """Compile with another gateway.yaml; raises ``Rejected``, then nothing has changed."""
        with self._lock:
            self._compile(gateway, self.snapshot)

    def take(
        self, revision: int, entries: Iterable[Entry], removed: Iterable[tuple[str, str, str]]
    ) -> None:
        """Take changed entries; raises ``Rejected``, then the snapshot stays, and what these
        entries are is compiled with whatever comes next."""
        with self._lock:
            self._assembly.change(entries, removed)
            self.taken = revision
            self._compile(*self.in_force)

    def take_all(self, loaded: Loaded) -> None:
        """Take a whole directory in place of what there was; raises ``Rejected``."""
        with self._lock:
            self._assembly = Assembly(loaded.entries)
            self.taken = loaded.revision
            self._compile(*self.in_force)

    def _compile(self, gateway: Gateway, previous: Snapshot | None) -> None:
        directory = Directory(Place(f"directory revision {self.taken}"), self._assembly.tenants)
        snapshot, self.warnings = compile_for(gateway, directory, previous)
        self.in_force, self.revision = (gateway, snapshot), self.taken
