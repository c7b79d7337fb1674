"""Metrics: facts folded into plain tables, read when Prometheus asks.

Folding is counting in dictionaries; series are made at the scrape. Labels are words and
configured names, never a number, a code or a user, and no table outgrows its bound.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Protocol

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import CollectorRegistry

from tollbar import __version__
from tollbar.b2bua.causes import REFUSED
from tollbar.b2bua.facts import (
    CHAT,
    Answered,
    Attempted,
    Ended,
    Fact,
    Noticed,
    Rang,
    Tried,
    TurnedAway,
)

SERIES: Final = 2_000  # label sets of one table; what is beyond counts under "other"
CALL: Final = ("outcome", "reason", "classification", "peer", "trunk")
OTHER: Final = ("other",) * len(CALL)

SETUP: Final = (0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60, 120, 180)
DELAY: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32)
COMMIT: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5)


class Counters(Protocol):
    """The message counters of the stack: bytes of a method or a status to a count."""

    @property
    def received(self) -> Mapping[bytes, int]: ...
    @property
    def sent(self) -> Mapping[bytes, int]: ...
    @property
    def repeats_sent(self) -> int: ...
    @property
    def repeats_absorbed(self) -> int: ...

    def __len__(self) -> int:
        """Transactions in progress."""


class Restored(Protocol):
    """What a call of the last process needs to be counted when it ends."""

    record_id: str
    kind: str
    peer: str
    trunk: str
    classification: str


class Histogram:
    """Counts per bucket; the last one is what exceeds every bound."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def family(self, name: str, text: str) -> Metric:
        buckets, so_far = [], 0
        for bound, count in zip(
            (*map(float, self.bounds), "+Inf"), tuple(self.counts), strict=True
        ):
            so_far += count
            buckets.append((str(bound), float(so_far)))
        return HistogramMetricFamily(name, text, buckets=buckets, sum_value=self.total)


class _Running:
    """A call in progress, as far as its counts need."""

    __slots__ = ("alerted", "began", "classification", "peer", "trunk")

    def __init__(self, peer: str, classification: str, began: float, trunk: str = "") -> None:
        self.peer = peer
        self.classification = classification
        self.began = began
        self.trunk = trunk
        self.alerted = False


class Metrics:
    """Every count Tollbar keeps, and the collector that shows them.

    ``counters`` are the stack's. ``gauges`` and ``sums`` belong to others (backlog,
    connections, what was dropped) and are read at each scrape: (name, help) to a function.
    """

    def __init__(self, counters: Counters | None = None) -> None:
        self.counters = counters
        self.gauges: dict[tuple[str, str], Callable[[], float]] = {}
        self.sums: dict[tuple[str, str], Callable[[], float]] = {}
        # A registry of its own: the default one belongs to whoever imports the library.
        self._process = ProcessCollector(registry=CollectorRegistry())
        self.calls: dict[tuple[str, ...], int] = {}
        self.chats: dict[tuple[str, str], int] = {}
        self.chatting: set[str] = set()
        self.notices: dict[str, int] = {}
        self.emergencies = 0
        self.setup = Histogram(SETUP)
        self.delay = Histogram(DELAY)
        self.commit = Histogram(COMMIT)
        # Sets, not counters: what enters under a call's name leaves under it.
        self.running: dict[str, _Running] = {}
        self.by_peer: dict[str, set[str]] = defaultdict(set)
        self.by_trunk: dict[str, set[str]] = defaultdict(set)

    def fold(self, facts: Iterable[Fact]) -> None:
        running = self.running
        for fact in facts:
            kind = type(fact)
            if kind is Noticed:
                self._noticed(fact)  # type: ignore[arg-type]
                continue
            if kind is Attempted:
                self._attempted(fact)  # type: ignore[arg-type]
                continue
            if kind is TurnedAway:
                decision = fact.decision  # type: ignore[attr-defined]
                peer: str = fact.peer  # type: ignore[attr-defined]
                if fact.kind == CHAT:  # type: ignore[attr-defined]
                    self._count_chat((REFUSED, decision.reason))
                    continue
                self._count((REFUSED, decision.reason, decision.classification, peer, ""))
                continue
            call = running.get(fact.call)
            if call is None:
                if fact.call in self.chatting:
                    if kind is Ended:
                        self.chatting.discard(fact.call)
                        self._count_chat((fact.outcome, fact.reason))  # type: ignore[attr-defined]
                elif kind is Ended:
                    self._count((fact.outcome, fact.reason, "", "", ""))  # type: ignore[attr-defined]
                continue
            if kind is Tried:
                trunk: str = fact.trunk  # type: ignore[attr-defined]
                if call.trunk and call.trunk != trunk:
                    self.by_trunk[call.trunk].discard(fact.call)
                call.trunk = trunk
                self.by_trunk[trunk].add(fact.call)
            elif kind is Rang:
                if not call.alerted:
                    call.alerted = True
                    self.delay.add(fact.now - call.began)
            elif kind is Answered:
                taken = fact.now - call.began
                self.setup.add(taken)
                if not call.alerted:
                    call.alerted = True
                    self.delay.add(taken)
            elif kind is Ended:
                del running[fact.call]
                self.by_peer[call.peer].discard(fact.call)
                if call.trunk:
                    self.by_trunk[call.trunk].discard(fact.call)
                self._count(
                    (fact.outcome, fact.reason, call.classification, call.peer, call.trunk)  # type: ignore[attr-defined]
                )

    def restore(self, records: Iterable[Restored]) -> None:
        """Calls of the last process that go on: in progress, but their set-up is history."""
        for record in records:
            if record.kind == CHAT:
                self.chatting.add(record.record_id)
                continue
            call = _Running(record.peer, record.classification, 0.0, record.trunk)
            call.alerted = True
            self.running[record.record_id] = call
            self.by_peer[record.peer].add(record.record_id)
            if record.trunk:
                self.by_trunk[record.trunk].add(record.record_id)

    def _attempted(self, fact: Attempted) -> None:
        decision = fact.decision
        if fact.kind == CHAT:
            self.chatting.add(fact.call)
            return
        self.running[fact.call] = _Running(fact.peer, decision.classification, fact.now)
        self.by_peer[fact.peer].add(fact.call)
        if decision.emergency:
            self.emergencies += 1

    def _noticed(self, fact: Noticed) -> None:
        kind = fact.kind if fact.kind in self.notices or len(self.notices) < 64 else "other"
        self.notices[kind] = self.notices.get(kind, 0) + 1

    def _count(self, labels: tuple[str, ...]) -> None:
        calls = self.calls
        if labels in calls:
            calls[labels] += 1
        elif len(calls) < SERIES:
            calls[labels] = 1
        else:
            calls[OTHER] = calls.get(OTHER, 0) + 1

    def _count_chat(self, labels: tuple[str, str]) -> None:
        # Words of the code only: there are not many.
        self.chats[labels] = self.chats.get(labels, 0) + 1

    def collect(self) -> Iterator[Metric]:
        """One family at a time, so that a scrape can pause between them."""
        release = GaugeMetricFamily("tollbar_info", "The running release.", labels=["version"])
        release.add_metric([__version__], 1)
        yield release
        yield from self._calls()
        yield self.setup.family("tollbar_setup_seconds", "From INVITE to answer.")
        yield self.delay.family(
            "tollbar_post_dial_delay_seconds", "From INVITE to the first ringing or answer."
        )
        yield self.commit.family("tollbar_commit_seconds", "Time of one commit to disk.")
        if self.counters is not None:
            yield from messages(self.counters)
        yield from self._process.collect()
        for (name, text), read in self.gauges.items():
            yield GaugeMetricFamily(name, text, value=read())
        for (name, text), read in self.sums.items():
            yield CounterMetricFamily(name, text, value=read())

    def _calls(self) -> Iterator[Metric]:
        ended = CounterMetricFamily(
            "tollbar_calls", "Call attempts that ended, placed or not.", labels=CALL
        )
        for labels, count in list(self.calls.items()):
            ended.add_metric(labels, count)
        yield ended
        chats = CounterMetricFamily(
            "tollbar_chats", "Chats that ended or never began.", labels=["outcome", "reason"]
        )
        for words, count in list(self.chats.items()):
            chats.add_metric(words, count)
        yield chats
        live = GaugeMetricFamily(
            "tollbar_calls_in_progress",
            "Calls in progress, by the peer that placed them.",
            labels=["peer"],
        )
        for name, members in list(self.by_peer.items()):
            live.add_metric([name], len(members))
        yield live
        trunks = GaugeMetricFamily(
            "tollbar_trunk_calls_in_progress",
            "Calls in progress, by the trunk or PBX they go to.",
            labels=["trunk"],
        )
        for name, members in list(self.by_trunk.items()):
            trunks.add_metric([name], len(members))
        yield trunks
        yield CounterMetricFamily(
            "tollbar_emergency_calls", "Emergency calls attempted.", value=self.emergencies
        )
        noticed = CounterMetricFamily(
            "tollbar_notices", "What was noticed without a record, by kind.", labels=["kind"]
        )
        for kind, count in list(self.notices.items()):
            noticed.add_metric([kind], count)
        yield noticed
        yield CounterMetricFamily(
            "tollbar_unknown_sources",
            "Requests from addresses of no peer.",
            value=self.notices.get("unknown_source", 0),
        )


def messages(counters: Counters) -> Iterator[Metric]:
    """What the stack counted, as series."""
    requests = CounterMetricFamily(
        "tollbar_sip_requests", "SIP requests.", labels=["direction", "method"]
    )
    responses = CounterMetricFamily(
        "tollbar_sip_responses", "SIP responses.", labels=["direction", "status"]
    )
    for direction, table in (("received", counters.received), ("sent", counters.sent)):
        for key, count in list(table.items())[:SERIES]:
            word = key.decode("ascii", "replace")
            family = responses if key[:1].isdigit() else requests
            family.add_metric([direction, word], count)
    yield requests
    yield responses
    repeats = CounterMetricFamily(
        "tollbar_sip_retransmissions",
        "Messages sent again, and repeats received and absorbed.",
        labels=["direction"],
    )
    repeats.add_metric(["sent"], counters.repeats_sent)
    repeats.add_metric(["received"], counters.repeats_absorbed)
    yield repeats
    yield GaugeMetricFamily(
        "tollbar_sip_transactions", "SIP transactions in progress.", value=len(counters)
    )
