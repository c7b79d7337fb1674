"""What gateway.yaml says to the engine; swapped whole with the snapshot."""

from collections.abc import Callable

from tollbar.b2bua.intake import Intake
from tollbar.b2bua.peer import Peers
from tollbar.b2bua.relay import Relay


class Rules:
    """``max_call``, ``commit_deadline`` and ``chat_gap`` are seconds. ``refuse_unknown``: an
    unknown source gets 403 instead of silence."""

    __slots__ = (
        "chat_gap",
        "commit_deadline",
        "intake",
        "max_call",
        "max_calls",
        "max_chats",
        "peers",
        "refuse_unknown",
        "relay",
    )

    def __init__(
        self,
        peers: Peers,
        *,
        headers: tuple[str, ...] = ("X-Account-Code",),
        parameter: str = "account-code",
        undress: Callable[[str], str] = str,
        max_call: float = 43200.0,
        max_calls: int = 200_000,
        commit_deadline: float = 2.0,
        refuse_unknown: bool = False,
        chat_gap: float = 1800.0,
        max_chats: int = 50_000,
    ) -> None:
        self.peers = peers
        self.relay = Relay(list(headers), parameter, undress)
        self.intake = Intake(headers, parameter, undress)
        self.max_call = max_call
        self.max_calls = max_calls
        self.commit_deadline = commit_deadline
        self.refuse_unknown = refuse_unknown
        self.chat_gap = chat_gap
        self.max_chats = max_chats
