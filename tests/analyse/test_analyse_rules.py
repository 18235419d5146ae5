"""Each rule with a history that it speaks of, and one just beside it of which it says nothing."""

from __future__ import annotations

import pytest
from made import assembly, span
from many import FLOW, facts, history, step

from one_trace.analyse.findings import Facts, Finding
from one_trace.analyse.history import FlowHistory
from one_trace.analyse.insights import RULES, document, gather
from one_trace.analyse.rules_outcome import round_up
from one_trace.model import Trace


def found(many: FlowHistory, rule: str, *traces: Trace) -> list[Finding]:
    return list(RULES[rule](gather(many, traces)))


def one(many: FlowHistory, rule: str, *traces: Trace) -> Finding:
    (finding,) = found(many, rule, *traces)
    assert finding.rule == rule
    return finding


def test_slow_saves_half_of_the_time_of_a_step_that_takes_a_quarter() -> None:
    finding = one(history(step("a", [600] * 4), step("b", [200] * 4)), "slow")
    assert (finding.path, finding.size.seconds_per_run, finding.score) == (f"{FLOW} > a", 0.3, 0.3)
    assert finding.evidence["share"] == 0.6


def test_a_container_is_not_slow_for_what_is_in_it() -> None:
    many = history(step("each", [900], kind="loop"), step("each > load", [[450, 450]]))
    assert [finding.path for finding in found(many, "slow")] == [f"{FLOW} > each > load"]


def test_slower_needs_the_last_runs_above_what_was_usual() -> None:
    finding = one(history(step("a", [100] * 15 + [150] * 5)), "slower")
    assert finding.evidence["change"] == 0.5
    assert finding.size.seconds_per_run == 0.05
    assert not found(history(step("a", [100, 200] * 8 + [180] * 4)), "slower")
    assert not found(history(step("a", [1] * 15 + [3] * 5)), "slower")


def test_flaky_counts_its_failures_double_against_the_runs() -> None:
    finding = one(history(step("a", [10] * 10, success=8, error=2, failed_runs=2)), "flaky")
    assert (finding.size.failures, finding.score) == (2, 0.4)
    assert finding.action is not None
    assert finding.action.set["onError.strategy"] == "retry"


def test_failing_speaks_of_the_newest_version_alone() -> None:
    broken = step("a", [10] * 4, success=0, error=4, failed_runs=4)
    assert one(history(broken), "failing").score == 2.0
    assert not found(history(step("a", [10] * 4, success=1, error=3, failed_runs=3)), "failing")
    assert not found(history(broken, runs=[facts(0), facts(1, version="v2")]), "failing")


def test_retried_tells_the_time_of_the_attempts_that_failed() -> None:
    finding = one(history(step("a", [100] * 10, retries=10, retried=5)), "retried")
    assert (finding.evidence["rate"], finding.size.seconds_per_run) == (0.5, 0.05)
    assert not found(history(step("a", [100] * 40, retries=3, retried=3)), "retried")


def test_near_timeout_proposes_a_round_one_above() -> None:
    many = history(step("a", [90] * 5), timeouts={f"{FLOW} > a": 101.0})
    finding = one(many, "near-timeout")
    assert finding.action is not None
    assert finding.action.set == {"timeoutMs": 210}
    assert not found(history(step("a", [79] * 5), timeouts={f"{FLOW} > a": 100.0}), "near-timeout")


def test_dear_and_wasted_speak_of_money() -> None:
    runs = [facts(number, status="error" if number == 0 else "success", usd=1.0) for number in range(4)]
    many = history(step("a", [1] * 4, costs=[0.9] * 4), step("b", [1] * 4, costs=[0.1] * 4), runs=runs)
    assert one(many, "dear").size.dollars_per_run == pytest.approx(0.45)
    finding = one(many, "wasted")
    assert (finding.score, finding.evidence["runIds"]) == (0.25, [runs[0].run_id])


def test_growth_must_be_steady() -> None:
    rising = [1000 * place for place in range(1, 25)]
    costs = [value / 1e6 for value in rising]
    many = history(step("a", [1] * 24, outputs=rising, costs=costs))
    assert one(many, "output-grows").size.bytes_per_run > 1000
    assert one(many, "cost-grows").size.dollars_per_run > 0.001
    jumpy = [5000, 100] * 10 + [9000] * 4
    assert not found(history(step("a", [1] * 24, outputs=jumpy)), "output-grows")


def test_dead_steps_are_named_by_their_topmost() -> None:
    planned = [f"{FLOW} > a", f"{FLOW} > gone", f"{FLOW} > gone > inner"]
    many = history(step("a", [1] * 5), step("skip", [None] * 5), planned=planned)
    assert [finding.path for finding in found(many, "dead-step")] == [f"{FLOW} > gone", f"{FLOW} > skip"]
    assert not found(history(step("a", [1] * 4), planned=planned), "dead-step")


def looped(times: list[float], *, abreast: bool) -> Trace:
    """A run of one loop."""
    each = span("each", type="loop", duration_ms=max(times) if abreast else sum(times))
    starts = [0.0 if abreast else sum(times[:place]) for place in range(len(times))]
    inner = [
        span("work", each, iteration=place, start_ms=starts[place], duration_ms=took)
        for place, took in enumerate(times)
    ]
    return assembly("00000000000a", [each, *inner], duration_ms=each.duration_ms).trace


def test_a_sequential_loop_could_run_five_abreast() -> None:
    finding = one(
        history(step("each", [1000], kind="loop")), "sequential-loop", looped([100.0] * 10, abreast=False)
    )
    assert finding.size.seconds_per_run == pytest.approx(0.8)
    assert finding.evidence["expectedMs"] == 200
    assert finding.action is not None
    assert (finding.action.step_id, finding.action.set) == ("each", {"loop.maxConcurrency": 5})


def test_a_concurrent_loop_is_left_alone() -> None:
    many = history(step("each", [1000], kind="loop"))
    assert not found(many, "sequential-loop", looped([100.0] * 10, abreast=True))
    assert not found(many, "sequential-loop", looped([500.0, 500.0], abreast=False))


def block(*times: float) -> Trace:
    both = span("both", type="parallel", duration_ms=max(times))
    inner = [span(f"branch{place}", both, duration_ms=took) for place, took in enumerate(times)]
    return assembly("00000000000a", [both, *inner]).trace


def test_a_block_is_uneven_if_one_branch_takes_twice_the_next() -> None:
    many = history(step("both", [1000], kind="parallel"))
    finding = one(many, "uneven-parallel", block(900, 300, 100))
    assert (finding.evidence["branch"], finding.size.seconds_per_run) == ("branch0", 0.6)
    assert not found(many, "uneven-parallel", block(900, 600))


def test_findings_are_ranked_by_what_they_save_and_always_alike() -> None:
    many = history(step("a", [600] * 8, success=7, error=1, failed_runs=1), step("b", [300] * 8))
    told = document(gather(many, []), since=None)
    assert [(finding.rank, finding.rule) for finding in told.findings] == [
        (1, "slow"),
        (2, "flaky"),
        (3, "slow"),
    ]
    assert told == document(gather(many, []), since=None)
    assert told.rules == list(RULES)


def test_one_run_of_a_flow_without_steps_gives_nothing() -> None:
    assert document(Facts(history=history(), stats=gather(history(), []).stats), since=None).findings == []


@pytest.mark.parametrize(("ms", "rounded"), [(0, 0), (7, 7), (1234, 1300), (200, 200), (99_500, 100_000)])
def test_round_up(ms: float, rounded: int) -> None:
    assert round_up(ms) == rounded
