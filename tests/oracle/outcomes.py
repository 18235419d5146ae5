"""What the oracle says of the readings of random runs, next to what is true of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from one_trace.assemble import assemble
from one_trace.model.trace import Trace
from one_trace.record.reading import read
from tests.assemble.compare import differences
from tests.oracle.agreement import tree_differs
from tests.oracle.hostile import HostileRun, hostile_run
from tests.oracle.rerun import Rerun
from tests.oracle.verdict import Verdict, check
from tests.truth import Truth

Reading = Literal["right", "excused", "wrong"]
LETTERS = {
    ("right", "reproduced"): "=",
    ("right", "refuted"): "F",
    ("right", "unchecked"): "u",
    ("excused", "reproduced"): "e",
    ("excused", "refuted"): "x",
    ("excused", "unchecked"): "v",
    ("wrong", "reproduced"): "W",
    ("wrong", "refuted"): "r",
    ("wrong", "unchecked"): "w",
}
"""One letter for what a reading is and what the oracle says of it."""
NO_RUN = "-"


@dataclass(frozen=True)
class Outcome:
    """`reading`: right as it stands; wrong, but excused by its own `derived`; or wrong. `log`: of the run,
    without its id."""

    reading: Reading
    verdict: Verdict
    log: bytes

    @property
    def letter(self) -> str:
        return LETTERS[self.reading, self.verdict.kind]


def outcome(kind: str, seed: int) -> Outcome | None:
    """None if there is no such run."""
    with hostile_run(kind, seed) as run:
        return judge(run) if run is not None else None


def judge(run: HostileRun) -> Outcome:
    trace = assemble(read(run.files)).trace
    assert run.files.log is not None
    log = run.files.log.read_bytes().replace(run.files.run_id.encode(), b"")
    return Outcome(reading_of(run, trace), check(run.files, trace), log)


def reading_of(run: HostileRun, trace: Trace) -> Reading:
    if tree_differs(trace, _as_run(run.truth, run)) is None:
        return "right"
    return "wrong" if differences(run.truth, trace) else "excused"


def _as_run(truth: Truth, run: HostileRun) -> Rerun:
    return Rerun(spans=truth["spans"], status=truth["status"])
