"""The one error of the room: what was wrong with a message, and the status that answers it."""


class SipError(ValueError):
    """A message that cannot be used.

    ``status`` is the SIP status (400-699) a server answers with; ``reason`` is the text
    that goes behind it, so it never repeats bytes of the message.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
