"""Tollbar: a SIP back-to-back user agent that bills calls to account codes."""

from typing import Final

__version__: Final = "0.1.0"
