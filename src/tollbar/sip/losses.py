"""Hops that broke, and the transactions that hang on them (RFC 3261 18.4).

What broke is a path; a transaction may know only the address, so both are compared by value.
Finding out whom a loss concerns takes a look at every transaction: after a look at very many
the next one waits, and finds those of all losses that came meanwhile. So a flood of errors
takes a bounded share of the time, and nothing is kept for it while nothing breaks.
"""

from typing import TYPE_CHECKING, Final

from tollbar.sip.flow import Hop
from tollbar.sip.transaction import LOST, Transaction

if TYPE_CHECKING:
    from tollbar.sip.stack import Stack

AT_ONCE: Final = 1_000  # transactions looked at without waiting afterwards
A_SECOND: Final = 200_000  # transactions looked at in a second, about
WAIT: Final = 0.1  # seconds between looks whether it is time

Place = tuple[str, str, int]


def place(hop: Hop) -> Place:
    """What makes two hops the same; the listener has its transport."""
    return hop.listener, hop.address, hop.port


class Losses:
    """Losses that were not looked into yet, and when to look."""

    __slots__ = ("not_before", "places", "reliable", "stack", "timer")

    def __init__(self, stack: "Stack") -> None:
        self.stack = stack
        self.timer = stack.timers.timer(WAIT, LOST)
        self.places: set[Place] = set()
        self.reliable = False  # one of them is a connection
        self.not_before = 0.0

    def add(self, hop: Hop, now: float) -> None:
        """A connection died or something could not be sent: whom it concerns hears it."""
        self.reliable = self.reliable or hop.reliable
        self.places.add(place(hop))
        self.expired(LOST, now)

    def expired(self, _event: int, now: float) -> None:
        if now < self.not_before:
            self.timer.arm(self, now)
        elif self.places:
            self.look(now)

    def look(self, now: float) -> None:
        stack, places = self.stack, self.places
        ports = {port for _, _, port in places}
        # A request that waits for the disk has not gone that way yet.
        found: list[Transaction] = [
            client
            for client in stack.clients.values()
            if client.hop.port in ports and client.data and place(client.hop) in places
        ]
        looked_at = len(stack.clients)
        if self.reliable:
            # A server is not concerned by a lost datagram: its client asks again.
            found += [
                server
                for server in stack.servers.values()
                if server.hop.port in ports and place(server.hop) in places
            ]
            looked_at += len(stack.servers)
        self.places = set()
        self.reliable = False
        if looked_at > AT_ONCE:
            self.not_before = now + looked_at / A_SECOND
        for transaction in found:
            transaction.feed(LOST, None, now)
