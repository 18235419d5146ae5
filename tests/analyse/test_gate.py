"""`trace ci`: which runs pass, and what is annotated where."""

from __future__ import annotations

import pytest
from made import assembly, span

from one_trace.analyse.gate import judge
from one_trace.errors import WrongUsage
from one_trace.model.baseline import Baseline, BaselineStep, Range
from one_trace.model.trace import Cause, Location, Trace
from one_trace.view.ci_annotations import MOST, annotate

USUAL = Range(p50=100, low=90, high=120)
BASELINE = Baseline(
    flow_key="my-flow",
    runs=9,
    duration_ms=USUAL,
    cost_usd=Range(p50=0.1),
    steps=[BaselineStep(path="s", type="bash", runs=9, count=1, duration_ms=USUAL)],
)


def run(ms: float = 100.0, status: str = "success", run_status: str = "success", **fields: object) -> Trace:
    step = span("s", duration_ms=ms, status=status)
    return assembly(spans=[step], duration_ms=ms, status=run_status, **fields).trace


@pytest.mark.parametrize(
    ("trace", "baseline", "rules", "because"),
    [
        (run(), None, [], []),
        (run(run_status="stopped"), None, [], []),
        (run(run_status="error"), None, [], ["the run ended with error"]),
        (run(run_status="incomplete"), BASELINE, [], ["the run ended with incomplete"]),
        (run(status="error"), None, [], []),
        (run(status="error"), None, ["failed"], ["s ended with error"]),
        (run(115), BASELINE, ["slower:1%"], []),
        (run(900), BASELINE, [], []),
        (run(900), BASELINE, ["slower:20%"], ["the run is 800% slower", "s is 800% slower"]),
    ],
)
def test_a_run_passes_if_it_did_not_fail_and_meets_no_rule(
    trace: Trace, baseline: Baseline | None, rules: list[str], because: list[str]
) -> None:
    document = judge(trace, baseline, rules).document
    assert (document.ok, document.because) == (not because, because)
    assert [result.met for result in document.fail_on] == [bool(because)] * len(rules)


@pytest.mark.parametrize(
    ("trace", "baseline", "rules"),
    [
        (run(), None, ["slower:20%"]),
        (run(), None, ["failed", "cost:1%"]),
        (run(flow_key="other"), BASELINE, []),
        (run(), None, ["weather"]),
    ],
)
def test_what_cannot_be_judged_is_wrong_usage(
    trace: Trace, baseline: Baseline | None, rules: list[str]
) -> None:
    with pytest.raises(WrongUsage):
        judge(trace, baseline, rules)


def test_errors_are_annotated_at_the_cause_and_at_steps_that_meet_a_rule() -> None:
    at = Location(file=".one/flows/my-flow/flow.json", pointer="/steps/0", line=3)
    cause = Cause(path="my-flow > s", error_class="HTTP_503", attempts=3, at=at, error="a\n::b")
    trace = run(900, status="error", run_status="error", cause=cause)
    verdict = judge(trace, BASELINE, ["slower:20%"])
    found = annotate(verdict, trace, lambda path: Location(file=f"{path},%", pointer=""), lambda at: at)
    assert [each.command() for each in found] == [
        "::error file=.one/flows/my-flow/flow.json,line=3,title=my-flow failed"
        "::my-flow > s failed with HTTP_503 after 3 attempts%0Aa%0A::b",
        "::error title=--fail-on slower%3A20%25::the run is 800%25 slower",
        "::error file=my-flow > s%2C%25,line=1,title=--fail-on slower%3A20%25::s is 800%25 slower",
    ]


def test_no_more_errors_are_annotated_than_are_shown() -> None:
    steps = [span(f"s{at}", status="error") for at in range(50)]
    trace = assembly(spans=steps, status="error").trace
    found = annotate(judge(trace, None, ["failed"]), trace, lambda path: None, lambda at: at)
    assert (len(found), found[-1].text) == (MOST, "and 43 problems more")
