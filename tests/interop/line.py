"""PJSIP, the gateway, PJSIP: a line to have calls on."""

from importlib.util import find_spec

import pytest
from tests.interop.site import PBX, TRUNK, Pjsip, Site
from tests.interop.wire import Wire

needs_pjsip = pytest.mark.skipif(
    find_spec("pjsua2") is None, reason="there is no wheel of PJSIP for this machine"
)


class Line:
    """A gateway with PJSIP at both ends."""

    def __init__(self, site: Site, near: str, far: str) -> None:
        self.site = site
        self.pbx = Pjsip(PBX, "1001", near, site.authority)
        self.trunk = Pjsip(TRUNK, "trunk", far, site.authority)
        site.configure(self.pbx.side, self.trunk.side)
        site.start()
        ports = [site.ports[5060], site.secure]
        self.wire = Wire(site.directory / "wire.pcapng", ports)

    def close(self) -> None:
        self.wire.stop()
        self.site.stop()
        self.pbx.close()
        self.trunk.close()

    def out(self, number: str, **headers: str) -> int:
        """The PBX calls; its number of the call."""
        return self.pbx.call(self.site.uri(number, self.pbx.transport), **headers)

    def into(self, number: str) -> int:
        return self.trunk.call(self.site.uri(number, self.trunk.transport))

    def up(self, number: str = "3175551234", **headers: str) -> tuple[int, int]:
        """An answered call out: the PBX's number of it and the trunk's."""
        near = self.out(number, **headers)
        far, _ = self.trunk.incoming()
        self.trunk.say("answer", call=far, status=180)
        self.pbx.wait("state", call=near, state="early", status=180)
        self.trunk.say("answer", call=far, status=200)
        self.pbx.wait("state", call=near, state="confirmed")
        self.trunk.wait("state", call=far, state="confirmed")
        self.pbx.wait("media", call=near, media="active")
        self.trunk.wait("media", call=far, media="active")
        return near, far


def digits(one: tuple[Pjsip, int], other: tuple[Pjsip, int], text: str) -> None:
    """INFO after INFO across. What the one side sent before has been served as well then."""
    one[0].say("digits", call=one[1], digits=text)
    for digit in text:
        other[0].wait("digit", call=other[1], digit=digit)


def hold_and_resume(one: tuple[Pjsip, int], other: tuple[Pjsip, int]) -> None:
    """Two re-INVITEs from the one side; both sides must hear of each."""
    for command, here, there in (
        ("hold", "held", "held by the other"),
        ("resume", "active", "active"),
    ):
        one[0].forget()
        other[0].forget()
        one[0].say(command, call=one[1])
        one[0].wait("media", call=one[1], media=here)
        other[0].wait("media", call=other[1], media=there)
    digits(one, other, "9")  # behind the last ACK, for whoever re-INVITEs next
