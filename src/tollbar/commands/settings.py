"""Where a command finds its gateway.yaml, and what it reads from it."""

import os
from argparse import Namespace
from collections.abc import Iterator
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Final

import tollbar
from tollbar.config import load
from tollbar.config import state_directory as read_state_directory
from tollbar.gateway import Gateway

if TYPE_CHECKING:
    from tollbar.store.records import Records

VARIABLE: Final = "TOLLBAR_CONFIG"


class CommandError(Exception):
    """Why a command failed, in one line for standard error."""


def places() -> Iterator[Path]:
    """Where gateway.yaml is looked for, in order, when nobody names it."""
    yield Path("config/gateway.yaml")
    yield Path(tollbar.__file__).resolve().parents[2] / "config" / "gateway.yaml"
    yield Path("/etc/tollbar/gateway.yaml")


def config_path(args: Namespace) -> Path:
    named = getattr(args, "config", None) or os.environ.get(VARIABLE)
    if named:
        return Path(named)
    for place in places():
        if place.is_file():
            return place
    tried = ", ".join(map(str, places()))
    raise CommandError(f"no gateway.yaml found (looked for {tried}); name one with --config FILE")


def gateway(args: Namespace) -> Gateway:
    """The configuration; raises CommandError or Rejected."""
    return load(config_path(args))


def state_directory(args: Namespace) -> Path:
    """Where a running gateway is asked: it answers whatever has become of the rest of its file."""
    return read_state_directory(config_path(args))


def login() -> str:
    """Who asks, for the audit."""
    try:
        return getuser()
    except (KeyError, OSError):  # a container may have no name for whom it runs as
        return f"uid {os.getuid()}"


def records(gateway: Gateway) -> "Records":
    """The gateway's records, to be closed; raises StoreError."""
    from tollbar.store.records import Records

    return Records(gateway.state_directory, gateway.database)
