"""Ladders: a call, or a race in it, as text.

One line is one step; ``|`` puts steps into the same instant. A is the caller, B the callee,
C a third phone at the callee's side of the street. Messages are written ``INVITE``, ``200``
(of the INVITE) or ``200 BYE``; notes stand in brackets behind them.

    A -> INVITE (to 911; no sdp; Supported: 100rel)     A sends it
    A -> INVITE (again)                                 the same bytes once more
    B -> 200 (again 1)                                  those it sent for CSeq 1
    B <- INVITE (sdp A1; no X-Account-Code)             B got this, next in order
    B -> 180 (tag left), 180 (tag right)                two forks
    A <- 180 (tag one), 180 (tag two)                   own To-tags, remembered by name
    A <- 200 (lost)                                     it was sent, and A never saw it
    after 0.5                                           time passes
    hold commits / commit / commits flow / disk fails   what the disk does
    restart                                             kill -9, and another process
    A breaks                                            A's connection dies
    quiet                                               nobody got anything more
    record cancelled by caller 487                      the call's record, exactly this
    no record                                           none yet

Every message that reaches a phone has to be expected. At the end all timers run out,
the engine is empty and each call has its one record.
"""

import re
from textwrap import dedent
from typing import Any

from tests.b2bua.phone import Phone
from tests.b2bua.text import Text
from tests.b2bua.wire import Wire

from tollbar.b2bua.facts import TurnedAway
from tollbar.sip.flow import Flow

_STEP = re.compile(r"([ABC]) (->|<-) (.*)")
_ITEM = re.compile(r"([A-Z]+|[1-6][0-9]{2}(?: [A-Z]+)?)(?: \(([^()]*)\))?(?:, |$)")

climbed = 0


class Ladder:
    def __init__(self, transport: str = "udp", caller: str = "udp", **settings: Any) -> None:
        self.wire = Wire(transport, **settings)
        self.phones = {
            "A": Phone(self.wire, "A", 5080, caller),
            "B": Phone(self.wire, "B", 5070, transport),
            "C": Phone(self.wire, "C", 5090),
        }
        self.tags: dict[str, str] = {}
        self.told = 0

    def climb(self, text: str) -> "Ladder":
        """Take the steps of a ladder; more may follow."""
        for number, line in enumerate(dedent(text).strip().splitlines(), 1):
            line = line.partition("#")[0].strip()
            try:
                for step in line.split(" | ") if line else ():
                    self.step(step.strip())
                self.wire.settle()
            except AssertionError as error:
                raise AssertionError(f"line {number}: {line}\n  {error}") from error
        return self

    def end(self) -> "Ladder":
        self.quiet()
        self.wire.wind_down()
        self.wire.assert_empty()
        return self

    def step(self, step: str) -> None:
        match = _STEP.fullmatch(step)
        if match is None:
            self.direct(step)
            return
        phone, arrow, text = self.phones[match[1]], match[2], match[3]
        at = 0
        while at < len(text):
            item = _ITEM.match(text, at)
            assert item is not None, f"cannot read: {text[at:]}"
            at = item.end()
            notes = _notes(item[2] or "")
            if arrow == "->":
                self.send(phone, item[1], notes)
            else:
                self.wire.settle()
                self.expect(phone, item[1], notes)

    def direct(self, step: str) -> None:
        words = step.split()
        match words:
            case ["after", seconds]:
                self.wire.settle()
                self.wire.advance(float(seconds))
            case ["hold", "commits"]:
                self.wire.commits = False
            case ["commits", "flow"]:
                self.wire.commits = True
            case ["commit"]:
                self.wire.commit()
            case ["disk", "fails"]:
                self.wire.fail()
            case ["restart"]:
                self.wire.restart()
            case [name, "breaks"]:
                self.wire.cut(self.phones[name].flow)
            case ["quiet"]:
                self.quiet()
            case ["no", "record"]:
                assert len(self.wire.outcomes()) == self.told, "there is a record"
            case ["record", *rest]:
                self.record(" ".join(rest))
            case ["drain"]:
                self.wire.engine.drain(self.wire.now)
            case ["hangup", cause]:
                (call,) = self.wire.engine.live()
                assert self.wire.engine.hangup(call.id, cause, self.wire.now)
            case _:
                raise AssertionError(f"no such step: {step}")

    def send(self, phone: Phone, word: str, notes: dict[str, str | None]) -> None:
        if word[0].isdigit():
            status, _, method = word.partition(" ")
            data = phone.response(int(status), method or "INVITE", notes)
        else:
            data = phone.request(word, notes)
        flow = phone.flow
        if "from" in notes:
            address, _, port = (notes["from"] or "").partition(":")
            flow = Flow("udp", "udp", address, int(port))
        self.wire.send(data, flow)

    def expect(self, phone: Phone, word: str, notes: dict[str, str | None]) -> None:
        assert phone.inbox, f"{phone.name} got nothing"
        message, flow = phone.inbox.popleft()
        if word[0].isdigit() and " " not in word:
            found = str(message.status) if message.method == "INVITE" else str(message)
        else:
            found = str(message).partition(" (")[0]
        if found != word:
            rest = ", ".join(str(other) for other, _ in phone.inbox)
            raise AssertionError(f"{phone.name} got {message}, then: {rest}\n{message.start}")
        for name, value in notes.items():
            self.check(message, flow, name, value)
        if "lost" not in notes:
            phone.saw(message)

    def check(self, message: Text, flow: Flow | None, name: str, value: str | None) -> None:
        if name == "sdp":
            assert message.body, "no session description"
            assert value in (None, message.sdp), f"the session is {message.sdp}"
        elif name == "text":
            assert message.body.decode() == value, f"the text is {message.body!r}"
        elif name == "no sdp":
            assert not message.body, f"a body: {message.body!r}"
        elif name == "tag":
            assert value is not None
            known = self.tags.setdefault(value, message.to_tag)
            assert known == message.to_tag, f"tag {message.to_tag}, not {known}"
            assert list(self.tags.values()).count(known) == 1, "one tag for two dialogs"
        elif name == "cseq":
            assert message.cseq == value, f"CSeq {message.cseq}"
        elif name == "uri":
            assert message.uri == (value or "").replace("%", ";"), f"Request-URI {message.uri}"
        elif name == "by":
            assert flow is not None, "came as a datagram"
            assert flow is self.phones[value or ""].flow
        elif name.startswith("no "):
            assert not message[name[3:]], f"{name[3:]}: {message[name[3:]]}"
        elif name[0].isupper():
            assert message[name], f"no {name}"
            assert value is None or value in message[name], f"{name}: {message[name]}"
        else:
            assert name == "lost", f"no such note: {name}"

    def record(self, text: str) -> None:
        assert len(self.wire.outcomes()) > self.told, "no record"
        fact = self.wire.outcomes()[self.told]
        self.told += 1
        if isinstance(fact, TurnedAway):
            found = f"refused by gateway {fact.decision.status} {fact.decision.reason}"
        else:
            found = f"{fact.outcome} by {fact.ended_by} {fact.status} {fact.reason}".strip()
        assert found == text, found

    def quiet(self) -> None:
        for phone in self.phones.values():
            left = ", ".join(str(message) for message, _ in phone.inbox)
            assert not left, f"{phone.name} also got {left}"


def climb(text: str, **settings: Any) -> Ladder:
    """Climb a whole ladder, to its end."""
    global climbed  # noqa: PLW0603
    climbed += 1
    return Ladder(**settings).climb(text).end()


def _notes(text: str) -> dict[str, str | None]:
    """``sdp A1; Supported: 100rel; no Require`` as names with values; ``%`` is a semicolon."""
    notes: dict[str, str | None] = {}
    for note in filter(None, (part.strip() for part in text.split(";"))):
        if note.startswith("no "):
            notes[note] = None
        elif ": " in note:
            name, _, value = note.partition(": ")
            notes[name] = value.replace("%", ";")
        else:
            name, _, rest = note.partition(" ")
            notes[name] = rest or None
    return notes
