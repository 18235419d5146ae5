from __future__ import annotations

import pytest
from made import USAGE, assembly, span

from one_trace.analyse.diff import DiffDocument, StepDiff, of_past, of_runs
from one_trace.analyse.fail_on import check, parse
from one_trace.analyse.step_runs import PastRuns, StepRef, StepRun, usual
from one_trace.errors import WrongUsage
from one_trace.model.trace import Span, Trace


def run(*spans: Span, ms: float = 1000.0, **fields: object) -> Trace:
    return assembly("00000000000a", list(spans), duration_ms=ms, **fields).trace


def timed(ms: float, **fields: object) -> Trace:
    return run(span("s", duration_ms=ms, **fields), ms=ms)


def past(*times: float) -> PastRuns:
    groups = [StepRun(count=1, status="success", duration_ms=ms) for ms in times]
    return PastRuns(runs=list(times), costs=[], steps={"s": groups}, refs={"s": StepRef("s", "s", "bash")})


def step(diff: DiffDocument, path: str = "s") -> StepDiff:
    (found,) = (one for one in diff.steps if one.path == path)
    return found


def test_iterations_are_one_step_and_statuses_the_worst_of_them() -> None:
    each = span("each", type="loop", duration_ms=30.0)
    good = [span("s", each, iteration=place, duration_ms=10.0, retries=1) for place in range(3)]
    bad = span("s", each, iteration=3, duration_ms=5.0, status="error")
    diff = of_runs(run(each, *good), run(each, *good, bad), PastRuns())
    found = step(diff, "each > s")
    assert found.a is not None
    assert found.b is not None
    assert (found.a.count, found.a.duration_ms, found.a.retries, found.a.status) == (3, 30, 3, "success")
    assert (found.b.count, found.b.duration_ms, found.b.status) == (4, 35, "error")
    assert found.changes == ["status"]


def test_steps_that_are_gone_stand_where_they_stood() -> None:
    before = run(span("zero"), span("one"), span("two"), span("three"))
    after = run(span("one"), span("new"), span("three"))
    diff = of_runs(before, after, PastRuns())
    reported = [(one.path, one.changes) for one in diff.steps]
    assert reported == [
        ("zero", ["removed"]),
        ("one", []),
        ("two", ["removed"]),
        ("new", ["added"]),
        ("three", []),
    ]
    assert diff.counts == {"removed": 2, "added": 1}


def test_runs_of_two_flows_are_aligned_below_their_keys() -> None:
    other = assembly("00000000000b", [span("s", flow="other")], flow_key="other").trace
    assert step(of_runs(timed(10), other, PastRuns())).changes == []


@pytest.mark.parametrize(
    ("a", "b", "changes"),
    [
        (100, 120, ["slower"]),
        (120, 100, ["faster"]),
        (100, 109, []),
        (10, 19, []),
        (1000, 1050, []),
        (0, 50, ["slower"]),
    ],
)
def test_a_change_is_a_tenth_and_ten_ms(a: float, b: float, changes: list[str]) -> None:
    assert step(of_runs(timed(a), timed(b), PastRuns())).changes == changes


def test_what_past_runs_did_as_well_is_noise() -> None:
    known = past(100, 130, 150, 170, 210, 120, 160)
    found = step(of_runs(timed(110), timed(190), known))
    assert (found.changes, found.noise) == ([], ["duration"])
    assert step(of_runs(timed(110), timed(900), known)).changes == ["slower"]


def test_four_past_runs_are_too_few_to_explain_anything() -> None:
    found = step(of_runs(timed(110), timed(190), past(100, 200, 150, 170)))
    assert (found.usual_ms, found.noise, found.changes) == (None, [], ["slower"])


def test_one_odd_run_does_not_widen_what_is_usual() -> None:
    known = usual([100.0] * 40 + [9000.0], 0.0)
    assert known is not None
    assert (known.low, known.high, known.explains(200)) == (100, 100, False)


def test_size_and_cost_change_too() -> None:
    cheap = run(span("s", output_bytes=1000, usage=USAGE))
    expensive = run(span("s", output_bytes=3000, usage=USAGE), span("s", usage=USAGE))
    found = step(of_runs(cheap, expensive, PastRuns()))
    assert (found.changes, found.output_change, found.cost_change) == (
        ["slower", "larger", "costlier"],
        2.0,
        1.0,
    )


def test_a_run_against_the_median_of_those_before() -> None:
    diff = of_past(past(100, 110, 120), timed(180))
    assert (diff.baseline, diff.a.run_id, diff.a.runs, diff.a.duration_ms) == ("p50", None, 3, 110)
    assert step(diff).changes == ["slower"]


@pytest.mark.parametrize(
    ("rule", "a", "b", "met"),
    [
        ("slower:20%", timed(100), timed(121), True),
        ("slower:20%", timed(100), timed(120), False),
        ("slower:20", timed(10), timed(15), False),
        ("failed", timed(100), timed(500), False),
        ("failed", timed(100), timed(100, status="timeout"), True),
        ("failed", timed(100, status="error"), timed(100, status="error"), False),
        ("failed", timed(100), run(span("s"), status="error"), True),
    ],
)
def test_fail_on(rule: str, a: Trace, b: Trace, met: bool) -> None:
    assert check(rule, of_runs(a, b, PastRuns())).met is met


@pytest.mark.parametrize(
    ("before", "after", "met"), [(1.0, 1.2, True), (1.0, 1.05, False), (None, 0.1, True), (1.0, None, False)]
)
def test_fail_on_cost(before: float | None, after: float | None, met: bool) -> None:
    diff = of_runs(timed(10), timed(10), PastRuns())
    diff.a.cost_usd, diff.b.cost_usd = before, after
    assert check("cost:10%", diff).met is met


def test_noise_fails_nothing() -> None:
    diff = of_runs(timed(110), timed(190), past(100, 130, 150, 170, 210, 120, 160))
    assert not check("slower:20%", diff).met


def test_a_slow_step_that_does_not_matter_fails_nothing() -> None:
    before = run(span("s", duration_ms=10.0), span("long", duration_ms=5000.0), ms=5010.0)
    after = run(span("s", duration_ms=60.0), span("long", duration_ms=5000.0), ms=5060.0)
    diff = of_runs(before, after, PastRuns())
    assert step(diff).changes == ["slower"]
    assert not check("slower:20%", diff).met


@pytest.mark.parametrize("rule", ["slower", "cost:", "faster:10%", "failed:1", "slower:-5%", ""])
def test_what_is_no_rule(rule: str) -> None:
    with pytest.raises(WrongUsage):
        parse(rule)
