"""Where tests with many short runs keep their files."""

from __future__ import annotations

import os
from pathlib import Path

MEMORY = Path("/dev/shm")
"""Where Linux keeps files in memory."""


def in_memory() -> Path | None:
    """A folder in memory, where there is one; else tempfile's own choice."""
    return MEMORY if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else None
