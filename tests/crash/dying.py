"""Runs the gateway until it comes to a named point, and there dies as by ``kill -9``.

    python dying.py POINT run --config FILE

The points are laid around what the shell is made of, from outside: the local file's write, the
driver's settle, the engine's receive. Nothing in the gateway knows of them.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from tollbar.b2bua.engine import Engine
from tollbar.cdr.ledger import Opened, Progressed
from tollbar.cli import main
from tollbar.net.driver import Driver
from tollbar.sip.flow import Flow
from tollbar.store.batch import Batch
from tollbar.store.local import LocalFile

Of = Callable[[Batch], object]

on_disk = threading.Event()
settled = threading.Event()  # all that was to leave before the disk has its say has left


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    threading.Event().wait()  # the signal may take a moment; nothing else may happen in it


def attempt(batch: Batch) -> object:
    return batch.opened and not batch.finished


def answer(batch: Batch) -> object:
    rows: list[Opened | Progressed] = [*batch.opened.values(), *batch.progressed.values()]
    return any(row.progress[4] is not None for row in rows) and not batch.finished


def end(batch: Batch) -> object:
    return batch.finished


def before_writing(of: Of) -> None:
    write, settle = LocalFile.write, Driver.settle

    def settling(self: Driver, now: float) -> None:
        settled.clear()
        settle(self, now)
        settled.set()

    def dying(self: LocalFile, batch: Batch, beat: float | None = None) -> None:
        if of(batch):
            settled.wait()
            die()
        write(self, batch, beat)

    Driver.settle = settling  # type: ignore[method-assign]
    LocalFile.write = dying  # type: ignore[method-assign]


def after_writing(of: Of) -> None:
    write = LocalFile.write

    def dying(self: LocalFile, batch: Batch, beat: float | None = None) -> None:
        wanted = of(batch)
        write(self, batch, beat)
        if wanted:
            die()

    LocalFile.write = dying  # type: ignore[method-assign]


def after_sending(is_it: Callable[[bytes], bool], then: Callable[[], object]) -> None:
    settle = Driver.settle

    def dying(self: Driver, now: float) -> None:
        engine: Any = self.engine
        take = engine.take_outbox
        left: list[bytes] = []

        def watched() -> list[tuple[Any, bytes]]:
            outbox: list[tuple[Any, bytes]] = take()
            left.extend(data for _, data in outbox)
            return outbox

        engine.take_outbox = watched
        try:
            settle(self, now)
        finally:
            del engine.take_outbox
        if any(is_it(data) for data in left):
            then()
            die()

    Driver.settle = dying  # type: ignore[method-assign]


def on_receiving(start: bytes) -> None:
    receive = Engine.receive

    def dying(self: Engine, data: bytes, flow: Flow, now: float) -> None:
        if data.startswith(start):
            die()
        receive(self, data, flow, now)

    Engine.receive = dying  # type: ignore[method-assign]


def bye_relayed_and_on_disk() -> None:
    """Both, and neither side has its 200."""
    write = LocalFile.write

    def told(self: LocalFile, batch: Batch, beat: float | None = None) -> None:
        write(self, batch, beat)
        if end(batch):
            on_disk.set()

    LocalFile.write = told  # type: ignore[method-assign]
    after_sending(lambda data: data.startswith(b"BYE "), on_disk.wait)


def is_answer(data: bytes) -> bool:
    return data.startswith(b"SIP/2.0 200") and b" INVITE\r\n" in data


POINTS: dict[str, Callable[[], None]] = {
    "INVITE came, nothing on disk": lambda: before_writing(attempt),
    "attempt on disk, INVITE not sent": lambda: after_writing(attempt),
    "callee answered, nothing on disk": lambda: before_writing(answer),
    "answer on disk, 200 not sent": lambda: after_writing(answer),
    "200 sent": lambda: after_sending(is_answer, lambda: None),
    "ACK came": lambda: on_receiving(b"ACK "),
    "failure came, nothing on disk": lambda: before_writing(end),
    "end on disk, failure not sent": lambda: after_writing(end),
    "BYE relayed, end not on disk": lambda: before_writing(end),
    "BYE relayed, end on disk": bye_relayed_and_on_disk,
}


if __name__ == "__main__":
    POINTS[sys.argv[1]]()
    sys.exit(main(sys.argv[2:]))
