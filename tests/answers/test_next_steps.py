"""`next`: commands about a run that can be typed as they stand."""

from __future__ import annotations

import pytest
from made import assembly

from one_trace.answers.next_steps import after_run
from one_trace.model.trace import Executor, PlannedStep, Run

HOST = Executor(name="one-cli", version="1.52.1")
PLAN = [PlannedStep(path="f > a", type="code", flow_key="f")]
SHELL = [*PLAN, PlannedStep(path="f > b", type="bash", flow_key="f")]


def failed(status: str = "error", executor: Executor = HOST, cwd: str = "/p") -> Run:
    run = assembly("0a1b2c3d4e5f", [], status=status).trace.run
    run.executor, run.cwd = executor, cwd
    return run


def test_outputs_of_a_run_of_the_host_are_inspected_in_its_folder() -> None:
    assert "cd '/my p' && one --agent flow inspect 0a1b2c3d4e5f" in after_run(failed(cwd="/my p"))


def test_the_built_in_runner_has_no_inspect() -> None:
    commands = after_run(failed(executor=Executor(name="built-in", version="0.1.0")), PLAN)
    assert [command.split(" flow ")[-1] for command in commands][1:] == ["resume 0a1b2c3d4e5f --trace"]


@pytest.mark.parametrize(
    ("status", "plan", "offered"),
    [
        ("error", PLAN, True),
        ("stopped", PLAN, True),
        ("incomplete", PLAN, False),
        ("success", PLAN, False),
        ("error", SHELL, False),
        ("error", [], False),
    ],
)
def test_a_resume_is_offered_only_where_the_host_can(
    status: str, plan: list[PlannedStep], offered: bool
) -> None:
    assert any(" flow resume " in command for command in after_run(failed(status=status), plan)) is offered


@pytest.mark.parametrize("run_id", ["f", "0a1b", "last", "0a1b2c3d4e5f; rm x"])
def test_the_host_is_not_asked_for_an_id_that_it_could_mistake(run_id: str) -> None:
    run = failed()
    run.run_id = run_id
    assert not any(" flow " in command for command in after_run(run, PLAN))
