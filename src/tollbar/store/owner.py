"""Whose a file in the state directory is: whoever the directory belongs to.

The gateway runs as a user of its own, and an administrator's commands often as root. What they
make there must stay open to the gateway.
"""

import os
from pathlib import Path


def hand_over(path: Path, folder: Path) -> None:
    """Give the file ``path`` to the owner of ``folder``. Only root may give away what is his, and
    where the system forbids even that, the file stays his."""
    if os.geteuid() != 0:
        return
    owner = folder.stat()
    try:
        os.chown(path, owner.st_uid, owner.st_gid)
    except PermissionError:
        return
