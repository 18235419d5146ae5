"""Save histories, ask for findings, and count which were right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from one_trace.history import profiles
from one_trace.history.local import LocalHistory
from one_trace.model.wanted import Wanted
from one_trace.store import Store
from tests.findings import from_files as _from_files  # noqa: F401
from tests.findings import harder as _harder  # noqa: F401  its kinds are kinds, too
from tests.findings.histories import NEUTRAL, History
from tests.findings.kinds import KINDS


@dataclass
class Score:
    """`wrong` and `missed`: (kind, flow, rule, step)."""

    histories: int = 0
    right: int = 0
    found: int = 0
    wrong: list[tuple[str, str, str, str]] = field(default_factory=list)
    missed: list[tuple[str, str, str, str]] = field(default_factory=list)
    take_out: list[tuple[str, str, str]] = field(default_factory=list)
    """(kind, flow, path): told to be taken out, and it ran."""

    @property
    def precision(self) -> float:
        return self.found / (self.found + len(self.wrong) or 1)

    @property
    def recall(self) -> float:
        return self.found / (self.found + len(self.missed) or 1)


def make(each: int, seed: int = 1) -> Iterable[History]:
    for name, kind in KINDS.items():
        for number in range(each):
            history = kind(f"{name}-{number}", Random(f"{name} {number} {seed}"))
            history.kind = name
            yield history


def save(store: Store, histories: Iterable[History]) -> list[History]:
    """Put them all into the store, as a traced run is."""
    kept = []
    store.connection.execute("PRAGMA synchronous = OFF")
    for history in histories:
        for assembly in history.runs:
            store.save(assembly)
        kept.append(history)
    return kept


def score(store: Store, histories: Iterable[History]) -> Score:
    total = Score()
    for history in histories:
        reported = profiles.findings(LocalHistory(store), Wanted(history.flow), since=None).findings
        judge(total, history, [(finding.rule, finding.path, finding.suggestion) for finding in reported])
    return total


def judge(total: Score, history: History, reported: list[tuple[str, str, str]]) -> None:
    ran = {span.step_id for run in history.runs for span in run.trace.spans if span.status != "skipped"}
    found = {(rule, path.rpartition(" > ")[2]) for rule, path, _ in reported if rule not in NEUTRAL}
    where = (history.kind, history.flow)
    missed, wrong = history.must - found - history.may, found - history.must - history.may
    total.histories += 1
    total.right += not missed and not wrong
    total.found += len(found & history.must)
    total.missed += [(*where, *one) for one in sorted(missed)]
    total.wrong += [(*where, *one) for one in sorted(wrong)]
    for rule, path, suggestion in reported:
        dead = rule == "dead-step" or "it can go" in suggestion
        if dead and path.rpartition(" > ")[2] in ran:
            total.take_out.append((*where, path))


def measure(folder: Path, each: int, seed: int = 1) -> Score:
    with Store(folder / "findings.db") as store:
        return score(store, save(store, make(each, seed)))
