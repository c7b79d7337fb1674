"""gateway.yaml in the engine's words: listeners as messages show them, peers, rules.

Values only change their type here; what they mean was checked when the file was read.
"""

from typing import Final

from tollbar.b2bua.peer import Peer, Peers
from tollbar.b2bua.rules import Rules
from tollbar.gateway import Gateway, Listener
from tollbar.gateway import Peer as Configured
from tollbar.policy.feature import compile_features
from tollbar.policy.number import normalise
from tollbar.policy.template import DEEPEST, Templates, compile_templates
from tollbar.policy.workgroup import LONGEST_PREFIX
from tollbar.sip.flow import TCP, TLS, UDP, Target
from tollbar.sip.stack import Listener as Shown

NOBODY: Final = "unknown"  # stands where nothing but an unfinished code was dialled


def listeners(gateway: Gateway) -> list[Shown]:
    return [
        Shown(
            entry.name,
            entry.transport,
            entry.advertise_host,
            entry.advertise_port,
            sibling(entry, gateway.listeners),
            entry.host,
        )
        for entry in gateway.listeners
    ]


def sibling(listener: Listener, others: list[Listener]) -> str:
    """The TCP listener that takes a request too long for a datagram (RFC 3261 18.1.1)."""
    if listener.transport != UDP:
        return ""
    fits = [
        other
        for other in others
        if other.transport == TCP and (":" in other.host) == (":" in listener.host)
    ]
    fits.sort(key=lambda other: other.host != listener.host)
    return fits[0].name if fits else ""


def rules(gateway: Gateway) -> Rules:
    codes = gateway.account_codes
    given = [entry.send_code_as for entry in gateway.peers if entry.send_code_as]
    return Rules(
        Peers([peer(entry) for entry in gateway.peers]),
        headers=tuple(dict.fromkeys((*codes.headers, *given))),
        parameter=codes.parameter,
        undress=Undress(codes.templates, codes.sticky_set),
        max_call=gateway.max_call,
        max_calls=gateway.max_calls,
        commit_deadline=gateway.commit_deadline,
        chat_gap=gateway.chat_gap,
        max_chats=gateway.max_chats,
        refuse_unknown=gateway.unknown_sources == "refuse",
    )


def peer(entry: Configured) -> Peer:
    to = entry.to
    made = Peer(
        entry.name,
        entry.role,
        None if to is None else Target(entry.listener, to.transport, to.host, to.port),
        domain=entry.domain,
        trust_identity=entry.trust_identity,
        reveal_reason=entry.reveal_reason,
        send_code_as=entry.send_code_as,
        first_answer=entry.first_answer,
        ring_timeout=entry.ring_timeout,
        certificates=entry.certificates,
    )
    for source in entry.sources:
        made.comes_from(source.network, source.port, source.transport)
    return made


class Undress:
    """Takes every digit template's code and marks off a number; of a feature code nothing is left.

    A template may stand behind a prefix, which is not known here.
    """

    __slots__ = ("_features", "_templates")

    def __init__(self, texts: list[str], sticky_set: str = "") -> None:
        self._templates = Templates(compile_templates(texts)[0])
        self._features = compile_features(sticky_set, "", ())[0]

    def __call__(self, number: str) -> str:
        if self._templates.signed and number.isdigit():
            # As most callers' numbers are; a feature code is never met with digits alone.
            return number
        # As the dial plan reads it: formatting hides no template.
        dialled = normalise(number)
        for _ in range(DEEPEST + 1):
            if self._features is not None and self._features.begun(dialled):
                break
            found = self._split(dialled)
            if found is None:
                begun = self._templates.inside(dialled) >= 0 or self._templates.begun(dialled)
                return NOBODY if begun else number
            number = dialled = found
            if number.isdigit():  # the number, whatever it begins with
                return number
        return NOBODY

    def _split(self, dialled: str) -> str | None:
        """The number behind a template, or None where there is no template."""
        templates = self._templates
        place = templates.inside(dialled)
        # One without a text of its own in front begins where a prefix may end.
        ends = [n for n, c in enumerate(dialled[:LONGEST_PREFIX], 1) if c in "*#"]
        for start in (0, place) if place > 0 else (0, *ends):
            found = templates.split(dialled[start:])
            if found is not None:
                return found[0]
        return None


def server_names(gateway: Gateway) -> dict[tuple[str, int], str]:
    """The name that each TLS peer's certificate must carry, by the peer's address."""
    names = {}
    for entry in gateway.peers:
        if entry.to is not None and entry.to.transport == TLS:
            name = entry.certificates[0] if entry.certificates else entry.domain
            names[entry.to.host, entry.to.port] = name or entry.to.host
    return names
