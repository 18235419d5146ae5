"""The disk that the store is on: what is left of it, and what the store takes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from one_trace.answers.reports import Check
from one_trace.cli.checks.files import store_path
from one_trace.view.words import size

_LITTLE = 100_000_000
_NONE = 1 << 20
"""Bytes that a run may need."""
_LARGE = 1_000_000_000
"""Bytes of a store that are worth a word."""
_PRUNE = "one trace prune --older-than 30d"


def disk() -> Iterator[Check]:
    """The space left where the store is, or will be."""
    path = store_path()
    if path is None:
        return
    try:
        folder = next(each for each in path.parents if each.exists())
        disk = os.statvfs(folder)
        taken = _taken(path)
    except OSError:
        return  # a finding of the check of the store
    free, files = disk.f_bavail * disk.f_frsize, disk.f_favail if disk.f_files else None
    about = f"{size(free)} free at {folder}, the store takes {size(taken)}"
    fix = _PRUNE if taken else None
    if files == 0:
        yield Check("disk", "bad", f"no file can be made at {folder}: the disk has no inode left")
    elif free < max(_LITTLE, taken):
        yield Check("disk", "bad" if free < _NONE else "note", f"only {about}", fix)
    elif taken > _LARGE:
        yield Check("disk", "note", about, fix)
    else:
        yield Check("disk", "ok", about)


def _taken(path: Path) -> int:
    """Bytes of the store, of what SQLite keeps beside it, and of stores of other versions."""
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.stem}*") if file.is_file())
