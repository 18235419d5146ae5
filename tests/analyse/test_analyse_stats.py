from __future__ import annotations

import pytest
from many import FLOW, facts, history, step

from one_trace.analyse.history import StepHistory
from one_trace.analyse.stats import FlowStats, StepStats, document, of_flow


def only(stats: FlowStats, name: str) -> StepStats:
    (found,) = (one for one in stats.steps if one.path == f"{FLOW} > {name}")
    return found


def test_percentiles_of_a_step_count_each_iteration() -> None:
    stats = only(of_flow(history(step("each", [[10, 20], [30], [40, 50]]))), "each")
    assert (stats.runs, stats.count, stats.p50_ms, stats.max_ms) == (3, 5, 30, 50)
    assert stats.p95_ms == pytest.approx(48)


def test_the_share_is_of_the_time_of_all_runs() -> None:
    stats = of_flow(history(step("half", [500] * 4), step("rest", [100] * 4)))
    assert [one.share for one in stats.steps] == [0.5, 0.1]
    assert (stats.total_ms, stats.p50_ms, stats.runs) == (4000, 1000, 4)


def test_steps_stand_in_the_order_of_the_flow_file_and_those_of_old_versions_last() -> None:
    many = history(step("b", [1]), step("old", [1]), step("a", [1]), planned=[f"{FLOW} > a", f"{FLOW} > b"])
    assert [one.step_id for one in of_flow(many).steps] == ["a", "b", "old"]


def test_a_step_of_the_newest_version_without_a_span_never_ran() -> None:
    many = history(step("a", [1]), planned=[f"{FLOW} > a", f"{FLOW} > b"])
    assert only(of_flow(many), "b").flags == ["never-ran"]


def test_flaky_and_failing_are_told_by_the_order_of_the_runs() -> None:
    now_and_then = only(of_flow(history(step("s", [10] * 20, bad=[3, 9, 18]))), "s")
    assert now_and_then.flaky is not None
    assert (now_and_then.flaky.failed, now_and_then.flaky.succeeded, now_and_then.flaky.rate) == (3, 17, 0.15)
    broken = only(of_flow(history(step("s", [10] * 20, bad=[17, 18, 19]))), "s")
    assert (broken.flaky, broken.flags) == (None, ["failing"])
    assert broken.failing is not None
    assert (broken.failing.runs, broken.failing.since) == (3, facts(17).started_at)


def test_one_failure_and_few_runs_are_too_few() -> None:
    assert only(of_flow(history(step("s", [10] * 20, bad=[3]))), "s").flags == []
    assert only(of_flow(history(step("s", [10] * 4, bad=[1, 3]))), "s").flags == []


@pytest.mark.parametrize(
    ("one", "flags"),
    [
        (step("s", [None, None]), ["always-skipped"]),
        (step("s", [10, 10], retried=[0, 1]), ["always-retried"]),
        (step("s", [10, None], retried=[0]), ["always-retried"]),
        (step("s", [10, 10], retried=[0]), []),
        (step("s", [85, 90]), ["near-timeout"]),
        (step("s", [10, 10], timeout=1, success=1), ["near-timeout"]),
        (step("s", [10, 70]), []),
    ],
)
def test_flags(one: StepHistory, flags: list[str]) -> None:
    many = history(one, timeouts={f"{FLOW} > s": 100.0})
    assert only(of_flow(many), "s").flags == flags


def test_use_of_the_timeout_is_p95_in_parts_of_it() -> None:
    stats = only(of_flow(history(step("s", [50, 50]), timeouts={f"{FLOW} > s": 200.0})), "s")
    assert (stats.timeout_ms, stats.timeout_use) == (200, 0.25)


def test_the_flow_that_took_most_time_stands_first() -> None:
    quick, long = history(step("a", [1])), history(step("a", [1]))
    quick.flow_key, quick.runs = "quick", [facts(0, ms=5)]
    reported = document([quick, long], flow=None, since=None)
    assert [flow.flow_key for flow in reported.flows] == [FLOW, "quick"]
    assert reported.runs == 2


def test_runs_without_an_end_have_outcomes_and_no_times() -> None:
    stats = of_flow(history(step("a", [1]), runs=[facts(0, status="incomplete", ms=None)]))
    assert (stats.outcomes.incomplete, stats.p50_ms, stats.max_ms, stats.cost_usd) == (1, None, None, None)
    assert stats.steps[0].share is None
