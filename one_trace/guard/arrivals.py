"""Which files are added to a folder, as the kernel reports it: a folder of 10,000 need not be listed.

Only a hint, and only on Linux: where the kernel reports nothing, or forgets something, nothing is added.
Imported while the host boots: no `ctypes`, only what it is made of.
"""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike

_IN_CREATE, _IN_MOVED_TO, _IN_ONLYDIR = 0x100, 0x80, 0x0100_0000
_HEADER = 16
"""Bytes of an event ahead of its name: watch, mask, cookie and the length of the name, four each."""
_ENOUGH = 1 << 16


class Arrivals:
    """The names added to a folder since this was made. Threads may share one."""

    def __init__(self, folder: str | PathLike[str]) -> None:
        self._events = _watch(os.fsencode(folder))
        self._names: dict[str, None] = {}
        self._lock = allocate_lock()

    def names(self) -> list[str]:
        """The names so far, each once, the oldest first."""
        with self._lock:
            while self._events is not None:
                try:
                    read = os.read(self._events, _ENOUGH)
                except OSError:  # no more of them
                    break
                self._names.update(dict.fromkeys(_names(read)))
            return list(self._names)

    def close(self) -> None:
        """Ask no more: the system may give a user only 128 of these."""
        with self._lock:
            if self._events is not None:
                os.close(self._events)
                self._events = None


def _watch(folder: bytes) -> int | None:
    """A descriptor from which the events are read, without waiting."""
    if sys.platform != "linux":
        return None
    try:
        import _ctypes

        program = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]  # this program itself
        make, add = (_ctypes.dlsym(program, f"inotify_{name}") for name in ("init1", "add_watch"))
        events = int(_ctypes.call_cdeclfunction(make, (os.O_NONBLOCK | os.O_CLOEXEC,)))
        if events < 0:
            return None
        if _ctypes.call_cdeclfunction(add, (events, folder, _IN_CREATE | _IN_MOVED_TO | _IN_ONLYDIR)) < 0:
            os.close(events)
            return None
    except (ImportError, AttributeError, OSError):  # a Python without it
        return None
    return events


def _names(events: bytes) -> list[str]:
    found, at = [], 0
    while at + _HEADER <= len(events):
        end = at + _HEADER + int.from_bytes(events[at + 12 : at + _HEADER], sys.byteorder)
        found.append(os.fsdecode(events[at + _HEADER : end].rstrip(b"\0")))
        at = end
    return [name for name in found if name]
