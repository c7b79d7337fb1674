"""What any server checks of a request before it looks at who asks what (RFC 3261 8.2)."""

from collections.abc import Sequence
from typing import Final

from tollbar.sip.message import Message

SCHEMES: Final = frozenset((b"sip", b"sips", b"tel", b"urn"))
ENDS_HERE: Final = frozenset((b"BYE", b"OPTIONS"))  # answered by us, so they travel no further


def refusal(
    message: Message, methods: Sequence[bytes], options: Sequence[bytes]
) -> tuple[int, bytes] | None:
    """The status and header lines that refuse this request, or None where it may go on.

    405 for a method we do not do, 416 for a URI scheme, 420 for an extension it insists on,
    483 when it has travelled far enough, 400 for an INVITE that says no Contact.
    """
    method = message.method
    if method not in methods:
        return 405, b"Allow: %b\r\n" % b", ".join(methods)
    uri = message.uri
    if uri[:4] != b"sip:" and uri.partition(b":")[0].lower() not in SCHEMES:
        return 416, b""
    if b"Require" in message.fields:
        unknown = [tag for tag in message.tokens(b"Require") if tag not in options]
        if unknown:
            return 420, b"Unsupported: %b\r\n" % b", ".join(unknown)
    if message.max_forwards == 0 and method not in ENDS_HERE:
        return 483, b""
    if method == b"INVITE" and (message.contact is None or message.contact.uri == b"*"):
        return 400, b""
    return None
