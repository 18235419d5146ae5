"""How far an attempt of a container is."""

from __future__ import annotations


class AttemptProgress:
    """How far an attempt of a container is: iterations of a loop, batches of a block."""

    __slots__ = (
        "batch",
        "batch_end",
        "cursor",
        "first_index",
        "idle",
        "idle_at",
        "over_at",
        "over_index",
        "started",
    )

    def __init__(self) -> None:
        self.started = 0
        """Runs (iterations, branches) begun so far."""
        self.batch = 0
        self.batch_end = 0
        self.cursor = 0
        self.first_index: int | None = None
        """The first line from inside it."""
        self.over_at: float | None = None
        self.over_index = -1
        """When its last run was over, and the line."""
        self.idle = -1
        """The line after which it may begin another run; -1: none is due."""
        self.idle_at = 0
