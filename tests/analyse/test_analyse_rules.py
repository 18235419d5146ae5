"""Each rule with a history in which it applies, and one close to it in which it does not.

Many more of both, by cause, are in `tests.findings`.
"""

from __future__ import annotations

import pytest
from made import assembly, span
from many import FLOW, facts, history, step

from one_trace.analyse.findings import Finding, FlowProfile
from one_trace.analyse.history import FailureDetails, FlowHistory
from one_trace.analyse.insights import OF_PLAN, RULES, document, profile
from one_trace.analyse.rules_timeout import round_up
from one_trace.model.trace import PlannedStep, Trace


def found(many: FlowHistory, rule: str, *traces: Trace, **more: object) -> list[Finding]:
    gathered = profile(many, traces)
    for name, value in more.items():
        setattr(gathered, name, value)
    return list(RULES[rule](gathered))


def one(many: FlowHistory, rule: str, *traces: Trace, **more: object) -> Finding:
    (finding,) = found(many, rule, *traces, **more)
    assert finding.rule == rule
    return finding


def planned(*steps: PlannedStep) -> dict[str, PlannedStep]:
    return {one.path: one for one in steps}


def plan(name: str, kind: str = "bash", **more: object) -> PlannedStep:
    return PlannedStep(path=f"{FLOW} > {name}", type=kind, flow_key=FLOW, **more)  # type: ignore[arg-type]


def test_slow_saves_half_of_the_time_of_a_step_that_takes_a_quarter() -> None:
    finding = one(history(step("a", [600] * 4), step("b", [200] * 4)), "slow")
    assert (finding.path, finding.size.seconds_per_run, finding.score) == (f"{FLOW} > a", 0.3, 0.3)
    assert finding.evidence["share"] == 0.6


def test_a_container_is_not_slow_for_what_is_in_it() -> None:
    many = history(step("each", [900], kind="loop"), step("each > load", [[450, 450]]))
    assert [finding.path for finding in found(many, "slow")] == [f"{FLOW} > each > load"]


def test_slower_has_the_date_of_the_change_wherever_it_is() -> None:
    for before, after in ((15, 5), (5, 30), (20, 20)):
        finding = one(history(step("a", [100] * before + [150] * after)), "slower")
        assert finding.evidence["change"] == 0.5
        assert finding.evidence["since"] == facts(before).started_at
        assert finding.size.seconds_per_run == 0.05


def test_a_step_that_took_no_time_before_is_slower() -> None:
    finding = one(history(step("a", [0] * 35 + [60] * 35)), "slower")
    assert (finding.evidence["change"], finding.evidence["deltaMs"]) == (None, 60)


def test_chance_small_changes_and_failed_attempts_are_not_slower() -> None:
    assert not found(history(step("a", [100, 200] * 8 + [180] * 4)), "slower")
    assert not found(history(step("a", [1] * 15 + [3] * 5)), "slower")
    assert not found(history(step("a", [100] * 15 + [900] * 9, bad=range(15, 24))), "slower")


def test_flaky_counts_its_failures_double_against_the_runs() -> None:
    finding = one(history(step("a", [10] * 10, bad=[3, 8])), "flaky")
    assert (finding.size.failures, finding.score) == (2, 0.4)
    assert finding.action is not None
    assert finding.action.set["onError.strategy"] == "retry"


def test_a_step_with_retries_is_not_advised_to_retry() -> None:
    many = history(step("a", [10] * 10, bad=[3, 8]))
    many.plan = planned(plan("a", retries=2))
    finding = one(many, "flaky")
    assert finding.action is None
    assert "in spite of its retries" in finding.suggestion


def test_a_streak_of_failures_is_failing_and_not_flaky() -> None:
    many = history(step("a", [10] * 50, bad=range(44, 50)))
    finding = one(many, "failing")
    assert (finding.score, finding.evidence["since"]) == (2.0, facts(44).started_at)
    assert "6 times in a row since" in finding.title
    assert not found(many, "flaky")


def test_one_failure_or_a_fixed_one_is_no_finding() -> None:
    for bad in ([2], range(3), [10, 11, 12]):
        many = history(step("a", [10] * 30, bad=bad))
        assert not found(many, "failing")
        assert not found(many, "flaky")
    assert not found(history(step("a", [10] * 3, bad=[1])), "flaky")


def test_retried_has_the_time_of_the_failed_attempts() -> None:
    helped = {f"{FLOW} > a": FailureDetails(helped=5)}
    finding = one(history(step("a", [100] * 10, retried=[0, 2, 4, 6, 8])), "retried", failures=helped)
    assert finding.evidence["rate"] == 0.5
    assert finding.size.seconds_per_run == pytest.approx(0.1 / 3)
    assert not found(history(step("a", [100] * 40, retried=[1, 9])), "retried", failures=helped)


def test_retries_that_never_help_are_useless() -> None:
    many = history(step("a", [100] * 30, bad=[2, 8, 14, 20, 27], retried=[2, 8, 14, 20, 27]))
    useless = {f"{FLOW} > a": FailureDetails(useless=5)}
    assert one(many, "useless-retries", failures=useless).size.failures == 5
    assert not found(many, "retried", failures=useless)
    assert not found(many, "useless-retries", failures={f"{FLOW} > a": FailureDetails(useless=5, helped=1)})


def test_near_timeout_proposes_a_rounded_time_out() -> None:
    finding = one(history(step("a", [90] * 8), timeouts={f"{FLOW} > a": 101.0}), "near-timeout")
    assert finding.action is not None
    assert finding.action.set == {"timeoutMs": 210}
    assert not found(history(step("a", [79] * 8), timeouts={f"{FLOW} > a": 100.0}), "near-timeout")


def test_a_far_timeout_is_found() -> None:
    many = history(step("a", [1000] * 30), timeouts={f"{FLOW} > a": 600_000.0})
    assert one(many, "far-timeout").action.set == {"timeoutMs": 5000}  # type: ignore[union-attr]
    assert not found(history(step("a", [1000] * 30), timeouts={f"{FLOW} > a": 15_000.0}), "far-timeout")


def test_expensive_and_wasted_are_about_cost() -> None:
    runs = [facts(number, status="error" if number in (1, 9) else "success", usd=1.0) for number in range(12)]
    many = history(step("a", [1] * 12, costs=[0.9] * 12), step("b", [1] * 12, costs=[0.1] * 12), runs=runs)
    assert one(many, "expensive").size.dollars_per_run == pytest.approx(0.45)
    finding = one(many, "wasted")
    assert (finding.score, finding.evidence["runIds"]) == (1 / 6, [runs[9].run_id, runs[1].run_id])


def test_a_costlier_model_is_named_with_its_date() -> None:
    many = history(step("a", [1] * 30, costs=[0.01] * 10 + [0.05] * 20))
    many.steps[0].series.models = ['["sonnet"]'] * 10 + ['["opus"]'] * 20
    finding = one(many, "cost-grows")
    assert finding.title.endswith("with opus instead of sonnet")
    assert finding.evidence["since"] == facts(10).started_at


def alternating_models(**about: object) -> FlowHistory:
    runs = [facts(number, usd=1.0) for number in range(30)]
    many = history(step("a", [1] * 30, costs=[0.1, 0.9] * 15, **about), runs=runs)
    many.steps[0].series.models = ['["haiku"]', '["opus"]'] * 15
    return many


def test_a_cheaper_model_that_does_as_well_is_named() -> None:
    finding = one(alternating_models(), "cheaper-model")
    assert (finding.evidence["cheaperModel"], finding.evidence["model"]) == ("haiku", "opus")
    assert finding.size.dollars_per_run == pytest.approx(0.4)
    assert one(alternating_models(bad=[5, 9]), "cheaper-model")


def test_a_cheaper_model_that_fails_more_often_or_is_little_known_is_not_named() -> None:
    assert not found(alternating_models(bad=[4, 8]), "cheaper-model")
    seldom = alternating_models()
    seldom.steps[0].series.models[:20] = ['["opus"]'] * 20
    assert not found(seldom, "cheaper-model")
    unknown = alternating_models(bad=[5])
    unknown.steps[0].series.models[5] = None
    assert not found(unknown, "cheaper-model")


def test_a_model_that_is_no_longer_used_is_not_compared() -> None:
    many = alternating_models()
    many.steps[0].series.models[-10:] = ['["haiku"]'] * 10
    many.steps[0].series.cost_usd[-10:] = [0.1] * 10
    assert not found(many, "cheaper-model")


def test_a_step_that_ran_for_another_caller_of_its_sub_flow_is_not_dead() -> None:
    never = plan("call > leaf").path
    many = history(
        step("call", [1] * 20), planned=[f"{FLOW} > call", never], plan=planned(plan("call > leaf"))
    )
    assert [finding.path for finding in found(many, "dead-step")] == [never]
    assert not found(many, "dead-step", ran_for_others={(FLOW, "leaf")})


def test_alternating_values_are_no_growth() -> None:
    rising = [1000 * place for place in range(1, 25)]
    costs = [value / 1e6 for value in rising]
    many = history(step("a", [1] * 24, outputs=rising, costs=costs))
    assert (one(many, "output-grows").size.bytes_per_run or 0) > 1000
    assert (one(many, "cost-grows").size.dollars_per_run or 0) > 0.001
    jumpy = [5000, 100] * 12
    assert not found(history(step("a", [1] * 24, outputs=jumpy)), "output-grows")


def test_of_nested_dead_steps_only_the_outermost_is_named() -> None:
    paths = [f"{FLOW} > a", f"{FLOW} > gone", f"{FLOW} > gone > inner"]
    many = history(step("a", [1] * 10), step("skip", [None] * 10), planned=paths)
    assert [finding.path for finding in found(many, "dead-step")] == [f"{FLOW} > gone", f"{FLOW} > skip"]
    assert not found(history(step("a", [1] * 9), planned=paths), "dead-step")


def test_an_unreached_step_is_not_dead() -> None:
    runs = [facts(number, status="error") for number in range(20)]
    many = history(step("bad", [1] * 20, bad=range(20)), runs=runs, planned=[f"{FLOW} > bad", f"{FLOW} > z"])
    assert not found(many, "dead-step")
    assert [step.flags for step in profile(many, []).stats.steps] == [["failing"], ["not-reached"]]


def looped(times: list[float], *, concurrent: bool) -> Trace:
    """A run of one loop."""
    each = span("each", type="loop", duration_ms=max(times) if concurrent else sum(times))
    starts = [0.0 if concurrent else sum(times[:place]) for place in range(len(times))]
    inner = [
        span("work", each, iteration=place, start_ms=starts[place], duration_ms=took)
        for place, took in enumerate(times)
    ]
    return assembly("00000000000a", [each, *inner], duration_ms=each.duration_ms).trace


def loop_history(**about: object) -> FlowHistory:
    many = history(step("each", [1000], kind="loop"))
    many.plan = planned(plan("each", "loop", **about), plan("each > work", waits=True))
    return many


def test_a_sequential_loop_could_run_five_at_a_time() -> None:
    finding = one(loop_history(), "sequential-loop", looped([100.0] * 10, concurrent=False))
    assert finding.size.seconds_per_run == pytest.approx(0.8)
    assert finding.evidence["expectedMs"] == 200
    assert finding.action is not None
    assert (finding.action.step_id, finding.action.set) == ("each", {"loop.maxConcurrency": 5})


def test_a_loop_that_would_break_or_gain_nothing_is_no_finding() -> None:
    slow = looped([100.0] * 10, concurrent=False)
    assert not found(loop_history(carries=True), "sequential-loop", slow)
    assert not found(loop_history(concurrency=5), "sequential-loop", slow)
    assert not found(history(step("each", [1000], kind="loop")), "sequential-loop", slow)
    assert not found(loop_history(), "sequential-loop", looped([100.0] * 10, concurrent=True))
    assert not found(loop_history(), "sequential-loop", looped([500.0, 500.0], concurrent=False))


def test_no_saving_exceeds_the_time_of_a_run() -> None:
    many = loop_history()
    many.runs = [facts(0, ms=300.0)]
    finding = one(many, "sequential-loop", looped([100.0] * 10, concurrent=False))
    assert finding.size.seconds_per_run == 0.3


def row() -> Trace:
    steps = [span("a", duration_ms=300.0), span("b", start_ms=300.0, duration_ms=400.0)]
    return assembly("00000000000a", steps, duration_ms=700.0).trace


def test_independent_neighbours_could_run_in_parallel() -> None:
    many = history(step("a", [300]), step("b", [400]), runs=[facts(0, ms=700.0)])
    many.plan = planned(plan("a", waits=True), plan("b", waits=True))
    finding = one(many, "independent-steps", row())
    assert (finding.evidence["steps"], finding.evidence["savedMs"]) == (["a", "b"], 300)
    assert finding.evidence["effects"] == ["a", "b"]
    many.plan[f"{FLOW} > b"].reads = ["a"]
    assert not found(many, "independent-steps", row())


def block(*times: float) -> Trace:
    both = span("both", type="parallel", duration_ms=max(times))
    inner = [span(f"branch{place}", both, duration_ms=took) for place, took in enumerate(times)]
    return assembly("00000000000a", [both, *inner], duration_ms=max(times)).trace


def test_a_block_is_uneven_if_one_branch_takes_twice_the_next() -> None:
    many = history(step("both", [1000], kind="parallel"))
    finding = one(many, "uneven-parallel", block(900, 300, 100))
    assert (finding.evidence["branch"], finding.size.seconds_per_run) == ("branch0", 0.6)
    assert not found(many, "uneven-parallel", block(900, 600))


def test_findings_are_ranked_by_score_in_a_stable_order() -> None:
    many = history(step("a", [600] * 8, bad=[2, 6]), step("b", [300] * 8))
    reported = document(profile(many, []), since=None)
    assert [(finding.rank, finding.rule) for finding in reported.findings] == [
        (1, "flaky"),
        (2, "slow"),
        (3, "slow"),
    ]
    assert reported == document(profile(many, []), since=None)


def test_rules_that_need_the_plan_are_tried_where_it_is_known() -> None:
    without = history(step("a", [600] * 8))
    known = history(step("a", [600] * 8), plan=planned(plan("a")))
    assert set(RULES) - set(document(profile(without, []), since=None).rules) == OF_PLAN
    assert document(profile(known, []), since=None).rules == list(RULES)


def test_one_run_of_a_flow_without_steps_gives_nothing() -> None:
    assert (
        document(FlowProfile(history=history(), stats=profile(history(), []).stats), since=None).findings
        == []
    )


@pytest.mark.parametrize(("ms", "rounded"), [(0, 0), (7, 7), (1234, 1300), (200, 200), (99_500, 100_000)])
def test_round_up(ms: float, rounded: int) -> None:
    assert round_up(ms) == rounded
