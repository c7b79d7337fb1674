"""A chat over a bad network and with a gateway that dies: any message lost, doubled, overtaken.

The writers do what RFC 3428 and RFC 3261 17.1.2 ask of them and no more.
"""

from itertools import product

import pytest
from tests.b2bua.agent import PATIENCE, T1, T2, Agent, World
from tests.b2bua.text import Text
from tests.b2bua.wire import GATEWAY, Wire

from tollbar.b2bua.facts import Attempted
from tollbar.sip.flow import Flow

CALM = 8  # messages on the wire where nothing happens to them
MISCHIEF = ("drop", "double", "swap", "crash", "crash early")


class Writer(Agent):
    """Writes, repeats until it has its answer, and says 200 to whatever is written to it."""

    def __init__(self, world: World, name: str, port: int, number: str) -> None:
        super().__init__(world, name, port, {})
        self.owner = number
        self.answers: dict[str, int] = {}
        self.read: dict[str, bytes] = {}
        self.texts: list[str] = []

    def write(self, to: str, text: str) -> None:
        self.number += 1
        branch = f"z9hG4bK-{self.name}{self.number}"
        data = (
            f"MESSAGE sip:{to}@{GATEWAY} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.address}:{self.port};branch={branch};rport\r\n"
            f"From: <sip:{self.owner}@{self.address}>;tag={self.name}{self.number}\r\n"
            f"To: <sip:{to}@{GATEWAY}>\r\nCall-ID: {self.name}{self.number}\r\n"
            f"CSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\nContent-Type: text/plain\r\n"
            f"Content-Length: {len(text)}\r\n\r\n{text}"
        ).encode()
        until = self.world.wire.now + PATIENCE

        def send(interval: float) -> None:
            if branch not in self.answers and self.world.wire.now < until:
                self.world.up(self, data)
                self.world.later(interval, lambda: send(min(interval * 2, T2)))

        send(T1)

    def take(self, data: bytes, flow: Flow | None) -> None:
        text = Text(data)
        if text.status:
            self.answers.setdefault(text.branch, text.status)
            return
        if text.branch not in self.read:
            self.texts.append(text.body.decode())
            lines = [
                "SIP/2.0 200 OK",
                *[f"Via: {value}" for value in text.all("Via")],
                f"From: {text['From']}",
                f"To: {text['To']};tag={self.name}",
                f"Call-ID: {text['Call-ID']}",
                f"CSeq: {text['CSeq']}",
                "Content-Length: 0",
            ]
            self.read[text.branch] = "\r\n".join([*lines, "", ""]).encode()
        self.world.up(self, self.read[text.branch])


def tell(mischief: dict[int, str]) -> tuple[World, Writer, Writer]:
    """Alice writes, the other answers."""
    world = World(Wire(), mischief)
    alice = Writer(world, "A", 5080, "1001")
    other = Writer(world, "B", 5070, "3175551234")
    alice.write("3175551234", "one")
    world.later(40.0, lambda: other.write("1001", "two"))
    world.run(100.0)
    return world, alice, other


def test_where_nothing_happens_it_is_one_chat() -> None:
    world, alice, other = tell({})
    assert world.number == CALM
    assert (other.texts, alice.texts) == (["one"], ["two"])
    world.wire.wind_down()
    world.wire.assert_empty()
    (ended,) = world.wire.ended()
    assert (ended.outcome, ended.reason) == ("answered", "gap")


@pytest.mark.parametrize("kinds", list(product(MISCHIEF, MISCHIEF)), ids="-".join)
def test_whatever_happens_each_attempt_has_its_record_and_no_200_is_a_lie(
    kinds: tuple[str, str],
) -> None:
    for first, second in product(range(CALM), range(1, CALM + 2)):
        mischief = {first: kinds[0], first + second: kinds[1]}
        world, alice, other = tell(mischief)
        story = "\n".join(world.journal)
        if 200 in alice.answers.values():
            assert "one" in other.texts, story
        if 200 in other.answers.values():
            assert "two" in alice.texts, story
        crashed = any(kind.startswith("crash") for kind in mischief.values())
        if not crashed:
            assert (other.texts, alice.texts) == (["one"], ["two"]), story
            attempts = [f for f in world.wire.facts if isinstance(f, Attempted)]
            assert len(attempts) == 1, story
        world.wire.wind_down()
        world.wire.assert_empty()
