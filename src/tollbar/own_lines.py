"""The gateway's own lines beside those of its calls: a reload, a failing disk, a fault.

Whatever is given to ``logging``, by whichever thread, leaves by the outlet of the call log, in its
form and with its clock. A reader that has stopped must never hold up the gateway for a line.
"""

import logging

from tollbar.log import as_json, stamp
from tollbar.outlet import Outlet


class OwnLines(logging.Handler):
    """Writes as ``TIME LEVEL text``, or as JSON with the event ``gateway``."""

    def __init__(self, outlet: Outlet, style: str = "text", level: str = "info") -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(message)s"))  # else `basicConfig` gives it one
        self.outlet = outlet
        self.style = style
        self.take(style, level)

    def take(self, style: str, level: str) -> None:
        """Write in another form, or from another level on."""
        self.style = style
        self.setLevel(level.upper())

    def emit(self, record: logging.LogRecord) -> None:
        when, text = stamp(record.created), self.format(record)
        if self.style == "json":
            line = as_json(when, "gateway", {"level": record.levelname.lower(), "text": text})
        else:
            line = f"{when} {record.levelname} {text}"
        self.outlet.write(f"{line}\n".encode("utf-8", "replace"))
