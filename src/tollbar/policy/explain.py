"""A decision in words, for ``tollbar simulate``, the API and the record.

Account codes never appear here, accepted or not: the record has its own field for one.
"""

from json.encoder import encode_basestring as _quoted

from tollbar.policy.account import mask
from tollbar.policy.attempt import ANSWER, FORWARD, Decision


def as_dict(decision: Decision) -> dict[str, object]:
    """The explanation as plain data; what has nothing to say is left out."""
    found: dict[str, object] = {
        "action": decision.action,
        "tenant": decision.tenant,
        "direction": decision.direction,
        "caller": decision.caller,
        "user": decision.user,
        "extension": decision.extension,
        "location": decision.location,
        "workgroup": decision.workgroup,
        "dialled": decision.dialled,
        "dial_object": decision.dial_object,
        "standardized": decision.standardized,
        "display": decision.display,
        "classification": decision.classification,
        "emergency": decision.emergency,
        "callback": decision.callback,
        "verification": decision.verification,
        "account_code": mask(decision.account_code),
        "code_source": decision.code_source,
        "code_check": decision.code_check,
        "matrix_row": decision.matrix_row,
        "in_report": decision.in_report,
        "sticky": mask(decision.sticky),
        "status": decision.status,
        "q850": decision.q850,
        "reason": decision.reason,
        "text": decision.text,
        "shadow": decision.shadow,
        "dial_group": decision.dial_group,
        "hunted": list(decision.hunted),
        "routes": [[route.peer, route.dial_string, route.dial_group] for route in decision.routes],
        "steps": [list(step) for step in decision.steps],
    }
    kept = ("verification", "in_report", "matrix_row")
    return {key: value for key, value in found.items() if value or key in kept}


def as_json(decision: Decision) -> str:
    """What a record has no column for, as one compact line: with them it is the whole."""
    # Written by hand, word by word of ours and value by value: a third of what an encoder takes.
    asks = "true" if decision.verification else "false"
    steps = ",".join([f"[{_quoted(what)},{_quoted(found)}]" for what, found in decision.steps])
    text = (
        f'{{"action":"{decision.action}","verification":{asks},'
        f'"code_check":"{decision.code_check}","steps":[{steps}]'
    )
    if decision.dial_object:
        text += f',"dial_object":{_quoted(decision.dial_object)}'
    if decision.display != decision.dialled:
        text += f',"display":{_quoted(decision.display)}'
    if decision.location:
        text += f',"location":{_quoted(decision.location)}'
    if decision.emergency:
        text += ',"emergency":true'
        if decision.callback:
            text += f',"callback":{_quoted(decision.callback)}'
    if decision.reason:
        text += (
            f',"reason":"{decision.reason}","status":{decision.status},'
            f'"text":{_quoted(decision.text)}'
        )
    if decision.shadow:
        text += ',"shadow":true'
    if decision.routes:
        routes = [
            f"[{_quoted(route.peer)},{_quoted(route.dial_string)},{_quoted(route.dial_group)}]"
            for route in decision.routes
        ]
        text += f',"routes":[{",".join(routes)}]'
    return text + "}"


def as_text(decision: Decision) -> str:
    """Several lines for a person, in the order in which things were looked at."""
    lines: list[tuple[str, str]] = list(decision.steps[:2])
    lines.append(("caller", _caller(decision)))
    if decision.workgroup:
        lines.append(("on behalf of", f"workgroup {decision.workgroup}"))
    lines.append(("dialled", decision.dialled or "nothing"))
    lines += decision.steps[2:]
    if decision.dial_object:
        lines.append(("dial-plan object", decision.dial_object))
    if decision.standardized:
        lines.append(("standardized", decision.standardized))
    if decision.classification:
        lines.append(("classification", decision.classification))
    lines.append(("asks for a code", "yes" if decision.verification else "no"))
    lines.append(("account code", _code(decision)))
    lines.append(("matrix row", str(decision.matrix_row) if decision.matrix_row else "not judged"))
    if decision.action == FORWARD:
        if decision.shadow:
            lines.append(("shadow", f"would have been refused: {decision.reason}"))
        lines.append(("in report", "yes" if decision.in_report else "no"))
        for route in decision.routes:
            group = f" (dial group {route.dial_group})" if route.dial_group else ""
            lines.append(("sent", f"{route.dial_string} to {route.peer}{group}"))
        if decision.emergency:
            lines.append(("called back at", decision.callback or "no number"))
        verdict = "placed" + (", emergency" if decision.emergency else "")
    elif decision.action == ANSWER:
        verdict = "answered: sticky code " + (
            mask(decision.sticky) + " set" if decision.sticky else "cleared"
        )
    else:
        verdict = f"refused: {decision.reason}, {decision.status} {decision.text}"
    lines.append(("verdict", f"{verdict} ({decision.direction})"))
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in lines)


def _caller(decision: Decision) -> str:
    who = decision.caller or "no number"
    if decision.user:
        who += f", user {decision.user}"
    if decision.extension and decision.extension != decision.caller:
        who += f", extension {decision.extension}"
    return who + (f", at {decision.location}" if decision.location else "")


def _code(decision: Decision) -> str:
    if not decision.code_source:
        return "none"
    text = f"{decision.code_check}, from {decision.code_source}"
    if decision.account_code:
        text = f"{mask(decision.account_code)} {text}"
    if decision.account_code_description:
        text += f" ({decision.account_code_description})"
    return text
