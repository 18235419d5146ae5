"""Processes of this machine that run a flow in a folder, whoever started them.

Only where the system has /proc; elsewhere none are found.
"""

from __future__ import annotations

import itertools
import os
import time
from typing import NamedTuple

from one_trace.host.argv import RUN_VERBS
from one_trace.host.via import identity, read_beginning

_ARGV_LIMIT = 1 << 16
"""Bytes of a command line that are read: the verb stands near its beginning."""


class FlowProcess(NamedTuple):
    """`identity` as in `host.via`; `started_s`: when it started, seconds since 1970."""

    identity: str
    started_s: float


def flow_processes(folder: str) -> list[FlowProcess]:
    """The processes that run a flow with `folder` as their working directory."""
    found = []
    for name in _numbers("/proc"):
        if name == str(os.getpid()) or not _runs_flow(name) or _folder(name) != os.path.realpath(folder):
            continue
        process = identity(int(name))
        started = _started_s(process)
        if started is not None:
            found.append(FlowProcess(process, started))
    return found


def _numbers(folder: str) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if name.isdecimal()]
    except OSError:
        return []


def _runs_flow(pid: str) -> bool:
    argv = read_beginning(f"/proc/{pid}/cmdline", _ARGV_LIMIT).split(b"\0")
    words = [word for word in argv if not word.startswith(b"-")]
    verbs = [verb.encode() for verb in RUN_VERBS]
    return any(word in (b"flow", b"f") and verb in verbs for word, verb in itertools.pairwise(words))


def _folder(pid: str) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None


def _started_s(identity: str) -> float | None:
    """An identity holds the start in clock ticks since the machine started."""
    ticks = identity.partition(".")[2]
    uptime = read_beginning("/proc/uptime", 64).split()
    if not ticks or not uptime:
        return None
    return time.time() - float(uptime[0]) + int(ticks) / os.sysconf("SC_CLK_TCK")
