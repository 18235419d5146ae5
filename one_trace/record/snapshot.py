"""What runs have left in a project, looked at before ours leaves anything: names alone, by the system's calls
alone, since the host is starting meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from one_trace.guard.files import names

RUNS = os.path.join(".one", "flows", ".runs")

Stamp = tuple[int, int, int]


class Snapshot:
    """The state files that are there. `resumed`: what was typed of the id of a run that is to go on; what
    fits it is looked at more closely.
    """

    def __init__(self, project: str = "", resumed: str | None = None) -> None:
        folder = os.path.join(project, RUNS)
        self.known = frozenset(names(folder)) if project else frozenset()
        old = [name for name in self.known if resumed and resumed in name]
        self._stamps: Mapping[str, Stamp | None] = {name: stamp(os.path.join(folder, name)) for name in old}

    def is_new(self, path: str) -> bool:
        """Whether the file at `path` was not there, or was to be looked at and has been written to since."""
        name = os.path.basename(path)
        if name not in self.known:
            return True
        return name in self._stamps and stamp(path) != self._stamps[name]


def stamp(path: str) -> Stamp | None:
    """What changes when a file is written to: compared with itself alone."""
    try:
        told = os.stat(path)
    except OSError:
        return None
    return told.st_mtime_ns, told.st_size, told.st_ino
