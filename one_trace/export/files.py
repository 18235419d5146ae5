"""Exports on disk: names and error texts are nobody else's business, so files are 0600."""

from __future__ import annotations

import os
import re
from pathlib import Path

from one_trace.guard.private import make_folder, write_whole

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


def write_private(path: Path, data: bytes) -> None:
    """Write `path` where the user wants it; a new file is his alone. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)


def write_report(folder: Path, run_id: str, data: bytes) -> Path:
    """Put a report into a folder of ours (made 0700), in the place of an older one of the same run, and
    name it. Raises OSError.
    """
    make_folder(folder.parent)
    target = folder / f"{_UNSAFE.sub('-', run_id)[:80] or 'run'}.html"
    write_whole(target, data)
    return target
