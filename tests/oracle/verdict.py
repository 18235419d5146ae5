"""Whether a reading could have left its record."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from one_trace.model.trace import Trace
from one_trace.record.files import RunFiles
from tests.oracle.agreement import compare
from tests.oracle.decisions import Decisions, decide
from tests.oracle.events import UNSAVEABLE
from tests.oracle.record import Record
from tests.oracle.rerun import Rerun, rerun
from tests.oracle.retries import TooManyWays
from tests.oracle.trials import Trial, otherwise

Kind = Literal["reproduced", "refuted", "unchecked"]
RUNS = 60
"""At most so many runs are tried for a reading."""
_BETTER = 8
"""One in so many is of another way to split retries."""


@dataclass(frozen=True)
class Verdict:
    """`why`: the difference that came last in the log, if nothing reproduces the record, or why it was not
    checked. `tried`: how many runs."""

    kind: Kind
    why: str = ""
    tried: int = 0


def check(files: RunFiles, trace: Trace, runs: int = RUNS) -> Verdict:
    """Run the reading, in as many ways as it leaves open, until one reproduces the record."""
    record = Record(files)
    if any(UNSAVEABLE in str(line.fields.get("error")) for line in record.lines):
        return Verdict("unchecked", "a result is part of itself, so that the state could not be saved")
    try:
        decisions = decide(trace, record.lines)
    except TooManyWays:
        return Verdict("unchecked", "its retries may be split in too many ways")
    tried, nearest, why = 0, (1, 0), "its retries fit no lines of the log"
    for run in itertools.islice(_runs(record, trace, decisions), runs):
        tried += 1
        if run.course.difference is None:
            return Verdict("reproduced", tried=tried)
        if run.course.shortfall < nearest:
            nearest, why = run.course.shortfall, run.course.difference
    if tried == runs:
        return Verdict("unchecked", f"more than {runs} ways to fill in what is left open: {why}", tried)
    return Verdict("refuted", why, tried)


def _runs(record: Record, trace: Trace, decisions: Decisions) -> Iterator[Rerun]:
    """The runs to try: now and then another way to split retries, else what may do better than the run that
    came closest."""
    ways, stop = decisions.ways(), record.stop_after
    first = (Trial(way, stop_after=stop) for way in ways)
    better: list[tuple[tuple[int, int], int, Iterator[Trial]]] = []
    seen = set[str]()
    for number in itertools.count():
        trial = next(first, None) if number % _BETTER == 0 else None
        while trial is None and better:
            trial = next(better[0][2], None)
            if trial is None:
                heapq.heappop(better)
        trial = trial if trial is not None else next(first, None)
        if trial is None:
            return
        if trial.key not in seen:
            seen.add(trial.key)
            run = _run(record, trace, trial)
            yield run
            heapq.heappush(better, (run.course.shortfall, number, otherwise(trial, run, record.state)))


def _run(record: Record, trace: Trace, trial: Trial) -> Rerun:
    run = rerun(record, trial.decided, stop_after=trial.stop_after, choices=trial.choices)
    if run.course.difference is None:
        compare(trace, run, record.state)
    return run
