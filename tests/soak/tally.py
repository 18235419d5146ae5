"""What came of a part: how many runs, what went wrong, what could not have gone well, each by its name."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

KINDS = ("lost", "doubled", "codes", "tracebacks", "hangs", "other")
"""Runs lost or doubled, changed exit codes or output, tracebacks, hangs; and what else is not as it should
be."""


@dataclass
class Tally:
    """One row of the table. `add` may be called from any thread."""

    part: str
    runs: int = 0
    seconds: float = 0.0
    wrong: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)
    """What went wrong, one by one; must be empty."""
    explained: Counter[str] = field(default_factory=Counter)
    """What cannot go well, by class."""
    notes: list[str] = field(default_factory=list)
    """How it was tried, or why a piece was not."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ran(self, runs: int = 1) -> None:
        with self._lock:
            self.runs += runs

    def add(self, kind: str, what: str) -> None:
        with self._lock:
            self.wrong[kind] += 1
            self.unexplained.append(f"{self.part}: {kind}: {what}")

    def explain(self, why: str, times: int = 1) -> None:
        with self._lock:
            self.explained[why] += times

    def row(self) -> str:
        figures = "".join(f"{self.wrong[kind]:>11}" for kind in KINDS)
        return f"{self.part:10}{self.runs:>7}{figures}{self.seconds:>9.0f}"


HEAD = f"{'PART':10}{'RUNS':>7}" + "".join(f"{kind.upper():>11}" for kind in KINDS) + f"{'SECONDS':>9}"
