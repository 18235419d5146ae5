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
RUNS = 100
"""At most so many runs are tried for a reading."""


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
    """The runs to try: each way to split retries, and what may do better than those that came closest."""
    ways, stop = decisions.ways(), record.stop_after
    tried: list[tuple[tuple[int, int], int, Trial, Rerun]] = []
    numbers, seen = itertools.count(), set[str]()
    while True:
        first = next(ways, None)
        trials = [Trial(first, stop_after=stop)] if first is not None else []
        if not trials and not tried:
            return
        if tried:
            _, _, trial, run = heapq.heappop(tried)
            trials += otherwise(trial, run)
        for trial in trials:
            if trial.key in seen:
                continue
            seen.add(trial.key)
            run = _run(record, trace, trial)
            yield run
            heapq.heappush(tried, (run.course.shortfall, next(numbers), trial, run))


def _run(record: Record, trace: Trace, trial: Trial) -> Rerun:
    run = rerun(record, trial.decided, stop_after=trial.stop_after, choices=trial.choices)
    if run.course.difference is None:
        compare(trace, run, record.state)
    return run
