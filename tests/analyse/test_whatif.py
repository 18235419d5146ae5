"""What an edit would have changed: past runs again on the virtual clock."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from one_trace.analyse.findings import Action, Finding, Size
from one_trace.analyse.whatif import Replays
from one_trace.model.trace import PlannedStep, Trace
from tests.made import assembly, span

Step = dict[str, Any]
TIMES = ([100, 20, 30, 40, 50, 60, 70], [10, 20, 30, 40, 50, 60, 70], [30, 30, 30, 30, 30, 30, 30])


def step(kind: str, name: str, **more: Any) -> Step:
    return {"id": name, "name": name, "type": kind} | more


def loop_run(times: list[int], kind: str) -> Trace:
    """A loop whose iterations took these times, one after the other, and 7 ms of the host's own work."""
    each = span("each", type="loop", duration_ms=float(sum(times)))
    starts = [float(sum(times[:i])) for i in range(len(times))]
    turns = [
        span("turn", each, type=kind, iteration=i, start_ms=starts[i], duration_ms=float(ms))
        for i, ms in enumerate(times)
    ]
    return assembly(spans=[each, *turns], duration_ms=float(sum(times) + 7)).trace


def loop_flow(kind: str) -> dict[str, Step]:
    loop = {"over": "$.input.items", "as": "item", "steps": [step(kind, "turn")]}
    return {"my-flow": {"key": "my-flow", "steps": [step("loop", "each", loop=loop)]}}


def finding(**action: Any) -> Finding:
    made = Action(flow_key="my-flow", step_id=action.pop("step_id", "each"), set=action["set"])
    return Finding(
        rule="",
        path="my-flow > each",
        title="",
        evidence={},
        size=Size(),
        score=0,
        suggestion="",
        action=made,
    )


def planned(*paths: str, waits: bool = True) -> dict[str, PlannedStep]:
    return {path: PlannedStep(path=path, type="bash", flow_key="my-flow", waits=waits) for path in paths}


WIDER = finding(set={"loop.maxConcurrency": 5})
PLAN = planned("my-flow > each > turn")


def test_concurrent_iterations_take_as_long_as_the_longest_of_each_batch_and_the_hosts_own_work() -> None:
    traces = [loop_run(times, "bash") for times in TIMES]
    made = Replays("my-flow", loop_flow("bash"), PLAN, traces).predict(WIDER)
    assert made is not None
    assert (made.runs, made.assumed) == (3, 0)
    batches = sorted(max(times[:5]) + max(times[5:]) + 7 for times in TIMES)
    assert (made.now_p50_ms, made.p50_ms) == (sorted(map(sum, TIMES))[1] + 7, batches[1])


def test_javascript_gains_nothing_from_concurrency() -> None:
    traces = [loop_run(times, "code") for times in TIMES]
    made = Replays("my-flow", loop_flow("code"), planned(waits=False), traces).predict(WIDER)
    assert made is not None
    assert (made.p50_ms, made.p95_ms) == (made.now_p50_ms, made.now_p95_ms)


def test_neighbours_in_a_parallel_block_take_as_long_as_the_longest() -> None:
    flows = {"my-flow": {"key": "my-flow", "steps": [step("bash", name) for name in "abc"]}}
    spans = [
        span(name, type="bash", start_ms=start) for name, start in zip("abc", (0.0, 10.0, 20.0), strict=True)
    ]
    traces = [assembly(spans=copy.deepcopy(spans), duration_ms=30.0).trace] * 3
    proposed = finding(set={})
    proposed.rule, proposed.action, proposed.evidence = "independent-steps", None, {"steps": ["b", "c"]}
    proposed.path = "my-flow > b"
    plan = planned(*(f"my-flow > {name}" for name in "abc"))
    made = Replays("my-flow", flows, plan, traces).predict(proposed)
    assert made is not None
    assert (made.now_p50_ms, made.p50_ms) == (30, 20)


def test_a_shorter_time_out_fails_the_runs_that_took_longer_and_they_say_nothing() -> None:
    traces = [loop_run(times, "bash") for times in TIMES]
    flows = loop_flow("bash")
    replays = Replays("my-flow", flows, PLAN, traces)
    assert replays.predict(finding(set={"timeoutMs": 1})) is None
    longer = replays.predict(finding(set={"timeoutMs": 10_000}))
    assert longer is not None
    assert longer.p95_ms == longer.now_p95_ms


@pytest.mark.parametrize("change", ["few runs", "another flow", "failed runs", "off"])
def test_no_prediction_where_the_past_is_not_reproduced(change: str) -> None:
    traces = [loop_run(times, "bash") for times in TIMES]
    flows = loop_flow("bash")
    if change == "few runs":
        traces = traces[1:]
    elif change == "another flow":
        flows["my-flow"]["steps"].append(step("bash", "new"))
    elif change == "failed runs":
        traces[0].run.status = "error"
    else:
        traces[0].run.duration_ms = 1_000.0
    assert Replays("my-flow", flows, PLAN, traces).predict(WIDER) is None


def test_an_edit_of_a_flow_that_is_not_there_is_not_predicted() -> None:
    traces = [loop_run(times, "bash") for times in TIMES]
    assert Replays("my-flow", {}, PLAN, traces).predict(WIDER) is None
    elsewhere = finding(step_id="nowhere", set={"timeoutMs": 5})
    assert Replays("my-flow", loop_flow("bash"), PLAN, traces).predict(elsewhere) is None
