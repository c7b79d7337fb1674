"""A SIP endpoint made of PJSIP, in a process of its own: commands in, events out.

Started with one JSON object as its argument (``address``, ``user``, ``transport`` and, for
TLS, ``certificate``, ``key``, ``authority``). Then a command is one JSON object on a line of
stdin and an event one on stdout. The end of stdin is the end of it. PJSIP runs in this one
thread, and its destructors are never waited for: they can hang at exit.
"""

import json
import os
import select
import sys
from typing import Any, TextIO

import pjsua2 as pj

TRANSPORTS = {
    "udp": pj.PJSIP_TRANSPORT_UDP,
    "tcp": pj.PJSIP_TRANSPORT_TCP,
    "tls": pj.PJSIP_TRANSPORT_TLS,
}
MEDIA = {
    pj.PJSUA_CALL_MEDIA_ACTIVE: "active",
    pj.PJSUA_CALL_MEDIA_LOCAL_HOLD: "held",
    pj.PJSUA_CALL_MEDIA_REMOTE_HOLD: "held by the other",
}


def came(event: Any) -> str:
    """The message whose coming this event of a transaction is, or ""."""
    if event.type != pj.PJSIP_EVENT_RX_MSG:
        return ""
    source = event.src
    return str(source.rdata.wholeMsg)


class Call(pj.Call):  # type: ignore[misc]
    """One call, told about in events."""

    def __init__(self, endpoint: "Endpoint", account: "Account", number: int = -1) -> None:
        pj.Call.__init__(self, account, *([] if number < 0 else [number]))
        self.endpoint = endpoint

    def onCallState(self, prm: Any) -> None:  # noqa: N802 - PJSIP's name
        shown = self.getInfo()  # its strings live no longer than it does
        text = ""
        if prm.e.type == pj.PJSIP_EVENT_TSX_STATE:
            text = came(prm.e.body.tsxState)
        self.endpoint.tell(
            "state",
            call=shown.id,
            state=shown.stateText.lower(),
            status=shown.lastStatusCode,
            text=text,
        )
        if shown.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.endpoint.over.append(self.endpoint.calls.pop(shown.id))

    def onCallMediaState(self, prm: Any) -> None:  # noqa: N802
        shown = self.getInfo()
        media = MEDIA.get(shown.media[0].status, "none") if len(shown.media) else "none"
        self.endpoint.tell("media", call=shown.id, media=media)

    def onCallTsxState(self, prm: Any) -> None:  # noqa: N802
        shown = self.getInfo()
        event = prm.e.body.tsxState
        text = came(event)
        if text:
            transaction = event.tsx
            self.endpoint.tell("message", call=shown.id, method=transaction.method, text=text)

    def onDtmfDigit(self, prm: Any) -> None:  # noqa: N802
        shown = self.getInfo()
        self.endpoint.tell("digit", call=shown.id, digit=prm.digit)


class Account(pj.Account):  # type: ignore[misc]
    """Who the endpoint is; whoever calls it is answered only on command."""

    def __init__(self, endpoint: "Endpoint") -> None:
        pj.Account.__init__(self)
        self.endpoint = endpoint

    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802
        call = Call(self.endpoint, self, prm.callId)
        self.endpoint.calls[prm.callId] = call
        got = prm.rdata
        self.endpoint.tell("incoming", call=prm.callId, text=got.wholeMsg)


class Endpoint:
    """The library, one transport, one account, and the calls by their number."""

    def __init__(self, setting: dict[str, str], out: TextIO) -> None:
        self.out = out
        self.calls: dict[int, Call] = {}
        self.over: list[Call] = []  # not to be destroyed while PJSIP tells about them
        self.library = pj.Endpoint()
        self.library.libCreate()
        config = pj.EpConfig()
        config.logConfig.level = config.logConfig.consoleLevel = int(setting.get("log", "0"))
        config.uaConfig.maxCalls = 32
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        self.library.libInit(config)
        self.library.audDevManager().setNullDev()
        transport = pj.TransportConfig()
        transport.boundAddress = transport.publicAddress = setting["address"]
        if setting["transport"] == "tls":
            transport.tlsConfig.certFile = setting["certificate"]
            transport.tlsConfig.privKeyFile = setting["key"]
            transport.tlsConfig.CaListFile = setting["authority"]
            transport.tlsConfig.verifyServer = True
        number = self.library.transportCreate(TRANSPORTS[setting["transport"]], transport)
        self.library.libStart()
        account = pj.AccountConfig()
        parameter = "" if setting["transport"] == "udp" else f";transport={setting['transport']}"
        account.idUri = f"<sip:{setting['user']}@{setting['address']}>"
        account.sipConfig.transportId = number
        account.mediaConfig.transportConfig.boundAddress = setting["address"]
        account.mediaConfig.srtpUse = pj.PJMEDIA_SRTP_DISABLED
        account.callConfig.timerUse = pj.PJSUA_SIP_TIMER_INACTIVE
        self.account = Account(self)
        self.account.create(account)
        where = self.library.transportGetInfo(number)
        self.parameter = parameter
        self.tell("ready", port=int(where.localName.rpartition(":")[2]))

    def tell(self, event: str, **more: Any) -> None:
        self.out.write(json.dumps({"event": event, **more}) + "\n")
        self.out.flush()

    def run(self) -> None:
        """Commands and PJSIP's own events in turn, until stdin ends."""
        waiting = b""
        while True:
            self.library.libHandleEvents(10)
            self.over.clear()
            if not select.select([0], [], [], 0)[0]:
                continue
            came = os.read(0, 65_536)
            if not came:
                return
            *lines, waiting = (waiting + came).split(b"\n")
            for line in lines:
                command = json.loads(line)
                try:
                    getattr(self, "on_" + command.pop("do"))(**command)
                except pj.Error as error:
                    self.tell("error", text=error.reason)

    def on_call(self, uri: str, headers: dict[str, str]) -> None:
        call = Call(self, self.account)
        how = pj.CallOpParam(True)
        for name, value in headers.items():
            header = pj.SipHeader()
            header.hName, header.hValue = name, value
            how.txOption.headers.push_back(header)
        call.makeCall(f"<{uri}{self.parameter}>", how)
        number = call.getId()
        self.calls[number] = call
        self.tell("calling", call=number)

    def on_answer(self, call: int, status: int) -> None:
        how = pj.CallOpParam(True)
        how.statusCode = status
        self.calls[call].answer(how)

    def on_hangup(self, call: int) -> None:
        self.calls[call].hangup(pj.CallOpParam())

    def on_hold(self, call: int) -> None:
        self.calls[call].setHold(pj.CallOpParam(True))

    def on_resume(self, call: int) -> None:
        how = pj.CallOpParam(True)
        how.opt.flag = pj.PJSUA_CALL_UNHOLD
        self.calls[call].reinvite(how)

    def on_digits(self, call: int, digits: str) -> None:
        how = pj.CallSendDtmfParam()
        how.method = pj.PJSUA_DTMF_METHOD_SIP_INFO
        how.digits = digits
        self.calls[call].sendDtmf(how)


def main() -> None:
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # PJSIP's own words must not stand between the events
    endpoint = Endpoint(json.loads(sys.argv[1]), out)
    endpoint.run()
    out.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
