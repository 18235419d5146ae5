"""Why a run failed, told from what it took with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import UNSET

from one_trace.assemble import assemble
from one_trace.model import Cause
from one_trace.record import read
from tests.assemble.recorded import lay_out


def cause_of(case: str, folder: Path) -> Cause:
    (files,) = lay_out(case, folder)
    cause = assemble(read(files)).trace.run.cause
    assert isinstance(cause, Cause)
    return cause


@pytest.mark.parametrize(
    ("case", "path", "code", "never_ran"),
    [
        ("25-timeout-fail", "to-fail > slow", "TIMEOUT", ["to-fail > never"]),
        ("31-default-onerror", "def-oe > fatal", None, ["def-oe > never"]),
        ("55-parallel-fail-flow", "par-fail > fan > p2", None, ["par-fail > never"]),
        ("58-circular", "circ-a > to-b > to-a > to-b", None, []),
        ("97b-realistic-fails", "daily-digest > store", None, ["daily-digest > audit"]),
    ],
)
def test_the_deepest_step_that_threw(
    case: str, path: str, code: str | None, never_ran: list[str], tmp_path: Path
) -> None:
    cause = cause_of(case, tmp_path)
    assert (cause.path, cause.error_code, cause.never_ran) == (path, code, never_ran)


def test_what_else_was_running(tmp_path: Path) -> None:
    cause = cause_of("55-parallel-fail-flow", tmp_path)
    assert cause.still_running == ["par-fail > fan > p3", "par-fail > fan > p3[1] > p3b"]


def test_a_flow_that_was_refused_its_inputs_has_no_guilty_step(tmp_path: Path) -> None:
    cause = cause_of("33-missing-input", tmp_path)
    assert cause.span_id is None
    assert cause.path == "needs-input"
    assert cause.error == 'Missing required input: "who" — who it is'


def test_a_run_that_succeeded_has_no_cause(tmp_path: Path) -> None:
    (files,) = lay_out("56-loop-conc-fail", tmp_path)
    assert assemble(read(files)).trace.run.cause is UNSET
