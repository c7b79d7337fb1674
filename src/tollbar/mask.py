"""Account codes and secrets out of what people read: logs and traces.

Masks by place, not by value: a code that is the digit ``1`` must not eat every number, and a
wrong code is as secret as a right one. Where a template was begun but not finished, what
stands where its code would stand is masked too.
"""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from tollbar.b2bua.relay import SHOWN, spelled
from tollbar.gateway import AccountCodes
from tollbar.policy.number import normalise
from tollbar.policy.template import DEEPEST
from tollbar.sip import grammar

MASK: Final = "****"

Cut = tuple[str, str, str]
"""A dialled number: what stands before the code and its marks, these masked, and what behind."""

_PARTS: Final = re.compile("(CODE|NUMBER)")
_URI_USER: Final = re.compile(rb"((?:sips?|tel):)([^@;>,\s\"]{1,512})", re.IGNORECASE)
_SECRET_HEADERS: Final = (b"Authorization", b"Proxy-Authorization")
_SIGNAL: Final = re.compile(rb"(?im)^(Signal[ \t]*=[ \t]*)[0-9A-D*#]+")
_DTMF_BODY: Final = re.compile(rb"(?i)(\r\n(?:content-type|c)[ \t]*:[ \t]*application/dtmf\b)")


class _Template:
    """A digit template cut into what stands before, between and after code and number."""

    __slots__ = ("after", "before", "between", "code_first")

    def __init__(self, template: str) -> None:
        parts = _PARTS.split(template)
        if len(parts) != 5 or {parts[1], parts[3]} != {"CODE", "NUMBER"}:
            raise ValueError(f"not a digit template: {template!r}")
        self.before, self.between, self.after = parts[0], parts[2], parts[4]
        self.code_first = parts[1] == "CODE"

    def mask(self, dialled: str) -> Cut | None:
        # A prefix may stand before a template, save before one that begins with digits.
        behind = self.before and not self.before.isdigit()
        head = dialled.find(self.before) if behind else 0
        if head < 0 or not dialled.startswith(self.before, head):
            return None
        end = dialled.find(self.between, head + len(self.before))
        if not self.code_first:
            return None if end < 0 else (dialled[:end], f"{self.between}{MASK}{self.after}", "")
        if end < 0:
            # Without a literal in front, a number without the separator is just a number.
            return (dialled[:head], f"{self.before}{MASK}", "") if self.before else None
        shown = f"{self.before}{MASK}{self.between}"
        return dialled[:head], shown, dialled[end + len(self.between) :]


class _Sticky:
    """The feature code that sets a sticky code: what stands before and behind it."""

    __slots__ = ("after", "before")

    def __init__(self, text: str) -> None:
        self.before, _, self.after = text.partition("CODE")

    def mask(self, dialled: str) -> Cut | None:
        # One behind a prefix is none to the dial plan, but its code is one.
        head = dialled.find(self.before) if self.before else -1
        return None if head < 0 else (dialled[:head], f"{self.before}{MASK}{self.after}", "")


class Mask:
    """What hides codes, by the gateway's account code settings.

    ``headers`` are further names a code may stand under (those trunks are given it by).
    """

    __slots__ = ("_headers", "_parameter", "_templates", "_uri_header")

    def __init__(self, codes: AccountCodes, headers: Iterable[str] = ()) -> None:
        templates = [_Template(t) for t in codes.templates]
        # What begins with a text of its own is found anywhere; the others take all that is left.
        templates.sort(key=lambda template: not template.before)
        self._templates: list[_Template | _Sticky] = [*templates]
        if codes.sticky_set:
            self._templates.insert(0, _Sticky(codes.sticky_set))
        names = {name.encode() for name in (*codes.headers, *headers) if name}
        names.update(_SECRET_HEADERS)
        self._headers = re.compile(
            rb"(?im)^(%b)([ \t]*:[ \t]*)[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*"
            % b"|".join(re.escape(name) for name in sorted(names))
        )
        self._parameter = re.compile(
            rb"(?i)((?:;|%%3b)[ \t]*%b[ \t]*(?:=|%%3d)[ \t]*)(?:(?!%%3b|%%26)[^;>\s,?&@])+"
            % spelled(codes.parameter.encode())
        )
        # A header within a URI (RFC 3261 19.1.1).
        self._uri_header = re.compile(
            rb"(?i)([?&](?:%b)=)[^&>\s\"]+" % b"|".join(spelled(name) for name in sorted(names))
        )

    def number(self, dialled: str) -> str:
        """A dialled number as a log may show it."""
        plain = normalise(dialled)
        masked = self._masked(plain, 0)
        return dialled if masked == plain else masked

    def _masked(self, dialled: str, deep: int) -> str:
        """A number without the codes in it: one template may stand behind another."""
        for template in self._templates:
            cut = template.mask(dialled)
            if cut is None:
                continue
            if deep == DEEPEST:
                return MASK
            before, shown, behind = cut
            if before and not before.isdigit():
                before = self._masked(before, deep + 1)
            if behind and not behind.isdigit():
                behind = self._masked(behind, deep + 1)
            return before + shown + behind
        return dialled

    def message(self, data: bytes) -> bytes:
        """A SIP message as a trace may show it."""
        data = self._headers.sub(rb"\1\2****", data)
        data = self._parameter.sub(rb"\1****", data)
        data = self._uri_header.sub(rb"\1****", data)
        if self._templates:
            data = SHOWN.sub(self._shown, _URI_USER.sub(self._user, data))
        if _DTMF_BODY.search(data):
            head, gap, body = data.partition(b"\r\n\r\n")
            body = _SIGNAL.sub(rb"\1*", body) if b"=" in body else MASK.encode()
            data = head + gap + body
        return data

    def _user(self, found: re.Match[bytes]) -> bytes:
        plain = unquote(found[2].decode("latin-1"), "latin-1")
        masked = self.number(plain)
        if masked == plain:
            return found[0]
        return found[1] + masked.replace("#", "%23").encode("latin-1", "replace")

    def _shown(self, found: re.Match[bytes]) -> bytes:
        plain = grammar.unquote(found[0]).decode("latin-1")
        masked = self.number(plain)
        return found[0] if masked == plain else b'"%b"' % masked.encode("latin-1", "replace")
