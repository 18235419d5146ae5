"""Who holds a lease in the outbox: a process of some machine, which may have died."""

from __future__ import annotations

import os
from pathlib import Path


def new_owner() -> str:
    """A name for this process that no other has."""
    return f"{_place()}:{os.getpid()}:{os.urandom(4).hex()}"


def alive(owner: str) -> bool:
    """Whether a lease's owner may still be sending: not if it was a process of this machine that is gone."""
    place, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    if place != _place() or not pid.isdecimal():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return not _zombie(pid)


def _zombie(pid: str) -> bool:
    """A process that was killed and not yet waited for answers signals, and does nothing more."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[:1] == [b"Z"]
    except OSError:
        return False


def _place() -> str:
    """This machine, and on Linux this table of process ids: containers may share a host's name."""
    try:
        table = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        table = ""
    return f"{os.uname().nodename}{table}".replace(":", "-")
