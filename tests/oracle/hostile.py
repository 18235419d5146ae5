"""Random runs to try the oracle on, by kind and seed."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from one_trace.engine.call import RunOptions
from one_trace.record.files import RunFiles
from tests.assemble.generated import Made, Maker
from tests.oracle.events import ENDS, read_lines
from tests.scratch import in_memory
from tests.true_tree import Behaviour, TrueSpan
from tests.truth import TooLarge, Truth, forget_worker, resume_for_truth, run_for_truth

SHAPES = {
    "trouble": (True, False),
    "wide": (False, True),
    "both": (True, True),
    "killed": (True, True),
    "resumed": (True, True),
}
"""By kind: with failures and the like, with many at a time. A run of `killed` ends at some event; one of
`resumed` has failed and was resumed once."""
KINDS = tuple(SHAPES)
LARGEST = 60_000
"""Values in a result, copies counted. Larger ones, three runs in a hundred, would take most of the time."""


@dataclass(frozen=True)
class HostileRun:
    """A run's record, valid inside `hostile_run`, and what really happened."""

    files: RunFiles
    truth: Truth


@contextmanager
def hostile_run(kind: str, seed: int) -> Iterator[HostileRun | None]:
    """The run of a kind and seed; None if there is none: it grows too large, or does not fail."""
    problem, wide = SHAPES[kind]
    made = Maker(Random(seed), problem=problem, wide=wide).make()
    with tempfile.TemporaryDirectory(prefix="hostile-", dir=in_memory()) as folder:
        try:
            yield _run(kind, seed, made, Path(folder).resolve())
        except TooLarge:
            forget_worker()
            yield None


def _run(kind: str, seed: int, made: Made, project: Path) -> HostileRun | None:
    options = RunOptions(stop_after=made.stop_after) if made.stop_after else None
    kill_after = Random(seed).randint(1, 60) if kind == "killed" else None
    files, truth = run_for_truth(
        project,
        made.flows,
        "main",
        behaviour=made.behaviour,
        options=options,
        kill_after=kill_after,
        largest=LARGEST,
    )
    if kind == "killed":
        if _is_over(files):
            return None
        _forget_unwritten(truth, files)
    if kind == "resumed":
        if truth["status"] != "error":
            return None
        later = lambda step, before, attempt: _later(made, step, before, attempt)  # noqa: E731
        truth = resume_for_truth(files, truth, behaviour=later, largest=LARGEST)
    return HostileRun(files, truth)


def _is_over(files: RunFiles) -> bool:
    """Whether the flow had ended before the run was killed."""
    ends = ("flow:complete", "flow:error", "flow:stopped")
    lines = read_lines(files.log)
    return any(
        line.what in ENDS or (line.what in ends and line.fields["flowKey"] == "main") for line in lines
    )


def _forget_unwritten(truth: Truth, files: RunFiles) -> None:
    """What had ended when the run was killed, but for the event of it, has not as far as anybody can tell."""
    ends = ("step:complete", "step:error")
    written = Counter(line.step for line in read_lines(files.log) if line.what in ends)
    ended: dict[str, list[TrueSpan]] = {}
    for span in truth["spans"]:
        if span["events"] and span["endMs"] is not None:
            ended.setdefault(span["stepId"], []).append(span)
    for step_id, spans in ended.items():
        spans.sort(key=lambda span: (span["endMs"] or 0, span["span"]))
        for span in spans[written[step_id] :]:
            span["status"], span["raised"] = "incomplete", False
            span["endMs"] = span["durationMs"] = None


def _later(made: Made, step: dict[str, Any], before: int, attempt: int) -> Behaviour | None:
    """What a step does after the resume: what it would have done the next time."""
    return made.behaviour(step, before + 1, attempt)
