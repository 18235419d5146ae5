"""Which runs a project has before ours starts. File names and system calls alone: the host waits for this."""

from __future__ import annotations

import os
from _thread import allocate_lock

from one_trace.guard.files import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

RUNS = os.path.join(".one", "flows", ".runs")
Stamp = tuple[int, int, int]


class Snapshot:
    """The state files present. `resumed`: the part of a run id that was typed for `flow resume`; files that
    match it may be written to again."""

    def __init__(self, project: str = "", resumed: str | None = None) -> None:
        folder = os.path.join(project, RUNS)
        self.changed_ns = changed_ns(project)
        """When a file was last added; read first, so that one added meanwhile is a change."""
        self.known = frozenset(names(folder)) if project else frozenset()
        self._lock = allocate_lock()
        self._listed: tuple[str, Stamp | None] | None = None
        self._added: list[str] = []
        self.resumable = [name for name in self.known if resumed and resumed in name]
        self._stamps: Mapping[str, Stamp | None] = {
            name: stamp(os.path.join(folder, name)) for name in self.resumable
        }

    def added(self, folder: str) -> list[str]:
        """Names in `folder` that were not there before: it is listed once after each change, as there may be
        10,000. What was added right after the last listing may be missing, as the file system's clock ticks
        only every few ms. Threads may share one: the second waits for the first instead of listing, too."""
        with self._lock:
            seen = folder, stamp(folder)
            if seen != self._listed:
                self._listed = seen
                self._added = [name for name in names(folder) if name not in self.known]
            return self._added

    def is_new(self, path: str) -> bool:
        """Whether the file was not there, or matches `resumed` and has been written to since."""
        name = os.path.basename(path)
        if name not in self.known:
            return True
        return name in self._stamps and stamp(path) != self._stamps[name]


def changed_ns(project: str) -> int | None:
    """When a state file was last added to the project or removed, by the clock of the file system."""
    status = stamp(os.path.join(project, RUNS))
    return status[0] if status is not None else None


def stamp(path: str) -> Stamp | None:
    """What changes when a file is written to; compare it only with another stamp of the same file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
