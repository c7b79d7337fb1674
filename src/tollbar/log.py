"""The call log: facts folded into one line per call event (docs/reference/log.md).

Every line of a call carries its record id. Lines are made once per batch of facts and written
with one call. No account code ever stands in one, right or wrong; what strangers cause is
logged at a bounded rate.
"""

import json
import re
import time
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from tollbar.b2bua.causes import REFUSED
from tollbar.b2bua.facts import (
    CALL,
    Answered,
    Assigned,
    Attempted,
    Ended,
    Fact,
    Noticed,
    Rang,
    Tried,
    TurnedAway,
)
from tollbar.mask import MASK, Mask
from tollbar.outlet import Outlet

LEVELS: Final = ("debug", "info", "warning", "error")
DEBUG, INFO, WARNING, ERROR = range(4)
BURST: Final = 10  # lines a second for one kind of notice
KINDS: Final = 64  # kinds of notice told apart
LONGEST: Final = 256  # characters of a value that came from outside

_plain_word = re.compile(r"[A-Za-z0-9_.:@+/*#%,~-]*").fullmatch
_encode = json.JSONEncoder(separators=(",", ":")).encode
_MILLISECONDS: Final = [f".{number:03d}Z" for number in range(1000)]
Value = str | int | float


class Restored(Protocol):
    """What the last line of a call of the last process says; ``answer`` is UTC milliseconds."""

    record_id: str
    answer: int | None


class _Rate:
    """How often one kind of notice came within the second."""

    __slots__ = ("lines", "second", "suppressed")

    def __init__(self) -> None:
        self.second = 0
        self.lines = 0
        self.suppressed = 0


class CallLog:
    """Writes call events to an outlet as text (key=value) or JSON lines."""

    __slots__ = (
        "_answered",
        "_lines",
        "_rates",
        "_second",
        "_stamp",
        "level",
        "mask",
        "outlet",
        "style",
    )

    def __init__(self, outlet: Outlet, mask: Mask, style: str = "text", level: str = "info"):
        self.outlet = outlet
        self.mask = mask
        self.level: int
        self.style: Callable[[str, str, dict[str, Value]], str]
        self.take(style, level)
        self._lines: list[str] = []
        self._answered: dict[str, float] = {}
        self._rates: dict[str, _Rate] = {}
        self._second = -1
        self._stamp = ""

    def take(self, style: str, level: str) -> None:
        """Write in another form, or from another level on."""
        self.level = LEVELS.index(level)
        self.style = as_json if style == "json" else as_text

    def restore(self, records: Iterable[Restored], offset: float) -> None:
        """Calls of the last process that go on; ``offset`` is UTC less the facts' clock."""
        for record in records:
            if record.answer is not None:
                self._answered[record.record_id] = record.answer / 1000 - offset

    def fold(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            kind = type(fact)
            if kind is Attempted:
                self._attempted(fact)  # type: ignore[arg-type]
            elif kind is Ended:
                self._ended(fact)  # type: ignore[arg-type]
            elif kind is Answered:
                self._answered[fact.call] = fact.now
                if self.level <= INFO:
                    if self.style is as_text:
                        self._lines.append(f"{self._time(fact.utc)} answered call={fact.call}")
                    else:
                        self.line(INFO, "answered", fact.utc, {"call": fact.call})
            elif kind is TurnedAway:
                self._turned_away(fact)  # type: ignore[arg-type]
            elif kind is Assigned:
                self._assigned(fact)  # type: ignore[arg-type]
            elif kind is Noticed:
                self._noticed(fact)  # type: ignore[arg-type]
            elif self.level <= DEBUG:
                self._detail(fact)

    def flush(self) -> bool:
        """Write what was told since the last time; False where there was nothing."""
        if not self._lines:
            return False
        self._lines.append("")
        self.outlet.write("\n".join(self._lines).encode("utf-8", "replace"))
        self._lines.clear()
        return True

    def line(self, level: int, event: str, utc: float, values: dict[str, Value]) -> None:
        """Add one line to the batch."""
        if level >= self.level:
            self._lines.append(self.style(self._time(utc), event, values))

    def _time(self, utc: float) -> str:
        second = int(utc)
        if second != self._second:
            self._second = second
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return self._stamp + _MILLISECONDS[int((utc - second) * 1000)]

    def _attempted(self, fact: Attempted) -> None:
        decision = fact.decision
        emergency = "yes" if decision.emergency else ""
        level = WARNING if emergency else INFO
        if level < self.level:
            return
        peer, classification, user = fact.peer, decision.classification, decision.user
        caller = decision.caller[:LONGEST]
        to = self.mask.number(fact.attempt.dialled)[:LONGEST]
        kind = "" if fact.kind == CALL else fact.kind
        tenant = "" if decision.tenant == "default" else decision.tenant
        code = decision.code_check, decision.code_source, decision.matrix_row
        a_call_id = fact.a_call_id[:LONGEST]
        # What is not a word of ours could be taken for more than one value.
        if self.style is as_text and _plain_word(
            f"{peer}{caller}{to}{classification}{tenant}{user}{a_call_id}"
        ):
            self._lines.append(
                f"{self._time(fact.utc)} attempted call={fact.call} peer={peer} from={caller}"
                f" to={to} direction={decision.direction} class={classification}"
                f"{kind and ' kind=' + kind}{tenant and ' tenant=' + tenant}"
                f"{user and ' user=' + user}{emergency and ' emergency=yes'}{_codes[code]}"
                f" a_call_id={a_call_id}"
            )
            return
        values: dict[str, Value] = {
            "call": fact.call,
            "peer": peer,
            "from": caller,
            "to": to,
            "direction": decision.direction,
            "class": classification,
        }
        more = {"kind": kind, "tenant": tenant, "user": user, "emergency": emergency}
        values.update({key: value for key, value in more.items() if value})
        values.update(code_values(*code))
        values["a_call_id"] = a_call_id
        self.line(level, "attempted", fact.utc, values)

    def _ended(self, fact: Ended) -> None:
        answered = self._answered.pop(fact.call, None)
        refused = fact.outcome == REFUSED
        level = WARNING if refused else INFO
        if level < self.level:
            return
        seconds = None
        if answered is not None:
            silent = max(0.0, fact.utc - fact.alive) if fact.alive else 0.0
            seconds = round(max(0.0, fact.now - silent - answered), 3)
        if self.style is as_text:
            call = fact.call
            event = (
                f"refused call={call}" if refused else f"ended call={call} outcome={fact.outcome}"
            )
            self._lines.append(
                f"{self._time(fact.utc)} {event}"
                f"{fact.reason and ' reason=' + fact.reason}"
                f"{f' status={fact.status}' if fact.status else ''}"
                f"{f' cause={fact.q850}' if fact.q850 else ''} by={fact.ended_by}"
                f"{'' if seconds is None else f' seconds={seconds}'}"
            )
            return
        values: dict[str, Value] = {"call": fact.call}
        if not refused:
            values["outcome"] = fact.outcome
        if fact.reason:
            values["reason"] = fact.reason
        if fact.status:
            values["status"] = fact.status
        if fact.q850:
            values["cause"] = fact.q850
        values["by"] = fact.ended_by
        if seconds is not None:
            values["seconds"] = seconds
        self.line(level, "refused" if refused else "ended", fact.utc, values)

    def _noticed(self, fact: Noticed) -> None:
        if self.level > WARNING:
            return
        rate = self._allowed(fact.kind, fact.now)
        if rate is None:
            return
        values: dict[str, Value] = {}
        if fact.call:
            values["call"] = fact.call
        if fact.peer:
            values["peer"] = fact.peer
        if fact.detail:
            values["detail"] = fact.detail[:LONGEST]
        if rate.suppressed:
            values["suppressed"] = rate.suppressed
            rate.suppressed = 0
        self.line(WARNING, fact.kind, fact.utc, values)

    def _assigned(self, fact: Assigned) -> None:
        if self.level > INFO:
            return
        values: dict[str, Value] = {"call": fact.call, "user": fact.by, "source": fact.source}
        values["code"] = MASK if fact.code else "none"
        if fact.refused:
            values["reason"] = fact.refused
        self.line(INFO, "assigned", fact.utc, values)

    def _turned_away(self, fact: TurnedAway) -> None:
        """They come in floods: ten lines a second, and how many more there were."""
        if self.level > WARNING:
            return
        decision = fact.decision
        rate = self._allowed("refused", fact.now)
        if rate is None:
            return
        values: dict[str, Value] = {
            "call": fact.call,
            "peer": fact.peer,
            "from": decision.caller[:LONGEST],
            "to": self.mask.number(decision.dialled)[:LONGEST],
            "reason": decision.reason,
            "status": decision.status,
            "by": "gateway",
        }
        if rate.suppressed:
            values["suppressed"] = rate.suppressed
            rate.suppressed = 0
        self.line(WARNING, "refused", fact.utc, values)

    def _allowed(self, word: str, now: float) -> _Rate | None:
        """None where this second has had its lines of that kind."""
        kind = word if len(self._rates) < KINDS or word in self._rates else "other"
        rate = self._rates.get(kind)
        if rate is None:
            rate = self._rates[kind] = _Rate()
        second = int(now)
        if second != rate.second:
            rate.second = second
            rate.lines = 0
        if rate.lines >= BURST and word != "emergency":
            rate.suppressed += 1
            return None
        rate.lines += 1
        return rate

    def _detail(self, fact: Fact) -> None:
        if isinstance(fact, Tried):
            values: dict[str, Value] = {
                "call": fact.call,
                "trunk": fact.trunk,
                "try": fact.tries,
                "b_call_id": fact.b_call_id[:LONGEST],
            }
            self.line(DEBUG, "tried", fact.utc, values)
        elif isinstance(fact, Rang):
            self.line(DEBUG, "rang", fact.utc, {"call": fact.call})


def code_values(check: str, source: str, row: int) -> dict[str, Value]:
    """What a log says of a code: where it came from and what became of it, never its digits."""
    if check == "none" and not row:
        return {}
    values: dict[str, Value] = {"check": check}
    if check != "none":
        values["code"] = MASK
    if source:
        values["source"] = source
    if row:
        values["row"] = row
    return values


class _Codes(dict[tuple[str, str, int], str]):
    """The same as text: as many as there are words for it."""

    def __missing__(self, code: tuple[str, str, int]) -> str:
        said = "".join([f" {key}={value}" for key, value in code_values(*code).items()])
        self[code] = said
        return said


_codes: Final = _Codes()


def stamp(utc: float) -> str:
    """An instant as every line begins with it."""
    second = int(utc)
    date = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
    return date + _MILLISECONDS[int((utc - second) * 1000)]


def as_text(when: str, event: str, values: dict[str, Value]) -> str:
    words = " ".join(
        [
            f"{key}={value if _plain_word(str(value)) else _encode(str(value))}"
            for key, value in values.items()
        ]
    )
    return f"{when} {event} {words}"


def as_json(when: str, event: str, values: dict[str, Value]) -> str:
    return _encode({"time": when, "event": event, **values})
