"""The results of a part: runs, failures, and failures that cannot be avoided, each with its reason."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

KINDS = ("lost", "doubled", "codes", "tracebacks", "hangs", "other")
"""Runs lost or delivered twice, changed exit codes or output, tracebacks, hangs, and other failures."""


@dataclass
class Tally:
    """One row of the table. `add` may be called from any thread."""

    part: str
    runs: int = 0
    seconds: float = 0.0
    wrong: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)
    """All failures that must not happen; must be empty."""
    explained: Counter[str] = field(default_factory=Counter)
    """The number of unavoidable failures by reason."""
    notes: list[str] = field(default_factory=list)
    """How the part was played, or why it was skipped."""
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
