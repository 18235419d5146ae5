"""Why a run failed, found by what it took with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from one_trace.assemble import assemble
from one_trace.model.trace import Cause
from one_trace.record.reading import read
from one_trace.view.header import cause_lines
from one_trace.view.style import Style
from tests.assemble.recorded import MadeRun, code, lay_out


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
    assert cause.never_ran == ["needs-input > a"]


def test_a_run_that_succeeded_has_no_cause(tmp_path: Path) -> None:
    (files,) = lay_out("56-loop-conc-fail", tmp_path)
    assert assemble(read(files)).trace.run.cause is UNSET


def failed(made: MadeRun, step: str, error: str) -> MadeRun:
    return made.event("step:error", stepId=step, error=error, strategy="fail")


def cause_of_made(made: MadeRun, error: str) -> Cause:
    made.event("flow:error", flowKey="made", status="failed", error=error, durationMs=1)
    made.log("Flow failed", error=error).status = "failed"
    cause = made.assembled().trace.run.cause
    assert isinstance(cause, Cause)
    return cause


def block(step: str, steps: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": step, "name": step.upper(), "type": "parallel", "parallel": {"steps": steps}}


def test_the_silent_step_that_the_error_names_in_blocks_within_blocks(tmp_path: Path) -> None:
    inner = block("r", [code("r1"), code("r2")])
    steps = [block("p", [block("q", [code("q1"), inner]), code("p3")]), code("end")]
    made = MadeRun(tmp_path).flow(steps).start("p", "parallel").after(9)
    error = 'Code step "r2" failed: boom'
    cause = cause_of_made(failed(made, "p", error), error)
    assert (cause.path, cause.error) == ("made > p > q > r > r2", error)
    assert cause.still_running == ["made > p > q > q1", "made > p > q > r > r1", "made > p > p3"]
    assert cause.never_ran == ["made > end"]


def test_an_error_that_names_nobody_is_the_blocks(tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([block("p", [block("q", [code("q1")]), code("p3")])])
    made.start("p", "parallel").after(9)
    assert cause_of_made(failed(made, "p", "boom"), "boom").path == "made > p"


def test_which_of_several_iterations_alike_threw_is_not_told_silently(tmp_path: Path) -> None:
    loop = {"over": "$.input.x", "as": "it", "maxConcurrency": 2, "steps": [code("a"), code("b")]}
    made = MadeRun(tmp_path).flow([{"id": "l", "name": "L", "type": "loop", "loop": loop}])
    made.start("l", "loop").start("a").start("a").after(5)
    cause = cause_of_made(failed(failed(made, "a", "boom"), "l", "boom"), "boom")
    assert cause.path.endswith("> a")
    assert cause.derived == ["path", "class"]
    page = "\n".join(cause_lines(cause, 80, Style(color=False, unicode=True)))
    assert "(or another iteration like it)" in page


def test_a_step_that_carried_on_is_not_the_cause(tmp_path: Path) -> None:
    on = {"onError": {"strategy": "continue"}}
    made = MadeRun(tmp_path).flow([code("soft", **on), code("hard"), code("end")])
    made.start("soft").after(2).end("soft", 2, status="failed", retries=0).start("hard").after(1)
    cause = cause_of_made(failed(made, "hard", "boom"), "boom")
    assert (cause.path, cause.derived, cause.never_ran) == ("made > hard", ["class"], ["made > end"])


def test_the_attempts_that_were_made_are_told(tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([code("a", onError={"strategy": "retry", "retries": 2})]).start("a")
    for attempt in (2, 3):
        made.after(2).event("step:retry", stepId="a", attempt=attempt, maxRetries=2, delayMs=1).after(1)
    cause = cause_of_made(failed(made.after(2), "a", "boom"), "boom")
    assert (cause.path, cause.attempts) == ("made > a", 3)


def test_a_run_that_was_killed_has_no_cause(tmp_path: Path) -> None:
    made = MadeRun(tmp_path).flow([code("a")]).start("a")
    made.status = "running"
    run = made.assembled().trace.run
    assert (run.status, run.cause) == ("incomplete", UNSET)


def test_the_cause_says_where_its_step_is_written(tmp_path):
    import json

    from tests.assemble.recorded import lay_out

    run = lay_out("55-parallel-fail-flow", tmp_path)[0]
    cause = assemble(read(run)).trace.run.cause
    assert cause.at is not None
    written = json.loads((tmp_path / cause.at.file).read_text())
    for part in cause.at.pointer.split("/")[1:]:
        written = written[int(part)] if part.isdecimal() else written[part]
    assert written["id"] == cause.step_id
    assert f'"{cause.step_id}"' in (tmp_path / cause.at.file).read_text().split("\n")[cause.at.line - 1 :][1]
