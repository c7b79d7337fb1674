"""Which chat a MESSAGE outside a call belongs to, or whether it begins one.

A chat is found by the way a MESSAGE goes (peer, sender, receiver), either direction, and by
its two parties where that is written otherwise. The table is bounded by ``max_chats``.
"""

from typing import TYPE_CHECKING, Final

from tollbar.b2bua.chat import Chat, Party, Way
from tollbar.b2bua.facts import CHAT
from tollbar.b2bua.gate import AT_ONCE
from tollbar.b2bua.peer import Peer
from tollbar.policy.attempt import ANSWER, IN, REJECT, Attempt, Decision
from tollbar.policy.number import destination
from tollbar.policy.refusal import NO_MATCH
from tollbar.sip.flow import Flow
from tollbar.sip.message import Message
from tollbar.sip.transaction import Server

if TYPE_CHECKING:
    from tollbar.b2bua.engine import Engine

MOST_WAYS: Final = 8  # spellings of one chat; those beyond are looked up by its parties


class Chats:
    """``open`` by record id."""

    __slots__ = ("by_parties", "engine", "open", "ways")

    def __init__(self, engine: "Engine") -> None:
        self.engine = engine
        self.open: dict[str, Chat] = {}
        self.ways: dict[Way, Chat] = {}
        self.by_parties: dict[tuple[str, ...], Chat] = {}

    def __len__(self) -> int:
        return len(self.open)

    def message(self, server: Server, message: Message, flow: Flow, now: float) -> None:
        """A MESSAGE outside any call. Raises SipError where its addresses cannot be read."""
        engine = self.engine
        peer = engine.peers.find(flow)
        assert peer is not None, "admits() let an unknown source through"
        attempt = engine.rules.intake.attempt(message, peer.name)
        sender = attempt.from_user
        if peer.trust_identity and attempt.asserted:
            sender = attempt.asserted[0]
        way = (peer.name, sender, attempt.dialled)
        chat = self.ways.get(way)
        if chat is not None:
            chat.carry(server, message, flow, chat.ways[way], now)
            return
        utc = now + engine.utc_offset
        record_id, draw = engine.record_id(utc)
        most = engine.rules.max_chats
        decision = engine.gate.decide(attempt, utc, draw, len(self.open), most, now)
        if decision.action == ANSWER:
            _not_written(decision)
        who, parties = _parties(decision)
        chat = self.by_parties.get(parties)
        if chat is not None:
            forward = chat.parties[0] == who
            self._add(chat, way, forward)
            chat.carry(server, message, flow, forward, now)
            return
        if decision.action == REJECT and decision.reason in AT_ONCE:
            engine.gate.refuse(server, message, attempt, decision, record_id, CHAT, now)
            return
        chat = Chat(engine, record_id, peer, decision, now)
        chat.attempt = attempt
        if decision.action == REJECT:
            chat.refuse(server, message, flow, now)
            return
        if decision.emergency:
            engine.notice_emergency(peer.name, attempt, decision, record_id, now)
        self._open(chat, peer, attempt, way, (who, *parties))
        chat.begin(server, message, flow, now)

    def _open(
        self, chat: Chat, peer: Peer, attempt: Attempt, way: Way, parties: tuple[str, ...]
    ) -> None:
        engine, route = self.engine, chat.decision.routes[0]
        if chat.decision.hunted:
            engine.gate.turn(chat.decision, route)
        far = engine.peers.by_name[route.peer]
        chat.a = Party(engine, peer, attempt.from_user)
        chat.b = Party(engine, far, route.dial_string)
        self.open[chat.id] = chat
        self._add(chat, way, True)
        if peer.to is not None:
            # Else nobody can write back.
            chat.parties = parties
            if len(parties) > 1:
                self.by_parties[parties[1:]] = chat
            self._add(chat, (far.name, route.dial_string, attempt.from_user), False)

    def _add(self, chat: Chat, way: Way, forward: bool) -> None:
        if len(chat.ways) < MOST_WAYS and way not in self.ways:
            chat.ways[way] = forward
            self.ways[way] = chat

    def forget(self, chat: Chat) -> None:
        """It is over: the next MESSAGE begins another."""
        self.open.pop(chat.id, None)
        self.by_parties.pop(chat.parties[1:], None)
        for way in chat.ways:
            del self.ways[way]
        chat.ways.clear()


def _parties(decision: Decision) -> tuple[str, tuple[str, ...]]:
    """Who writes, and the key of the chat; no key where the number is in no dial plan."""
    caller = decision.caller
    called = decision.standardized or decision.dialled
    if decision.direction == IN:
        who, other = caller, decision.user or called
    else:
        who, other = decision.user or caller, called
    who, other = _plain(who), _plain(other)
    if not decision.standardized:
        return who, ()
    return who, (decision.tenant, *sorted((who, other)))


def _plain(number: str) -> str:
    return destination(number).removeprefix("+")


def _not_written(decision: Decision) -> None:
    """A feature code is dialled: nobody can be written to under it."""
    decision.action = REJECT
    decision.status = 404
    decision.q850 = 1
    decision.reason = NO_MATCH
    decision.text = "Number Not In Dial Plan"
