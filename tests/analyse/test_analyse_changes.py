"""Change points: found wherever they are, in either direction, and not where there is only chance."""

from __future__ import annotations

from random import Random

import pytest
from many import facts, history, step

from one_trace.analyse import changes
from one_trace.analyse.changes import FEWEST, last_change, last_rate_change, levels
from one_trace.analyse.history import FlowHistory
from one_trace.analyse.insights import RULES, profile
from one_trace.analyse.stats import StepStats, of_flow
from one_trace.analyse.trend import Trend


def noise(random: Random, count: int, middle: float) -> list[float]:
    return [middle * random.lognormvariate(0, 0.1) for _ in range(count)]


@pytest.mark.parametrize("part", [0.1, 0.2, 0.3, 0.45, 0.7, 0.9])
@pytest.mark.parametrize("factor", [0.5, 1.5])
def test_a_change_is_found_wherever_it_is_with_its_place(part: float, factor: float) -> None:
    for seed in range(10):
        random = Random(f"{part} {factor} {seed}")
        at = round(80 * part)
        found = last_change(noise(random, at, 300) + noise(random, 80 - at, 300 * factor), least=10)
        assert found is not None
        assert abs(found.since - at) <= 2
        assert found.ratio == pytest.approx(factor - 1, abs=0.2)


def test_a_long_series_has_its_change_at_the_same_run() -> None:
    random = Random(1)
    values = noise(random, 3_333, 300) + noise(random, 1_667, 450)
    found = last_change(values, least=10)
    assert found is not None
    assert abs(found.since - 3_333) <= 2


def test_chance_alone_is_seldom_a_change() -> None:
    wrong = sum(
        last_change(noise(Random(seed), count, 300), least=10) is not None
        for seed in range(300)
        for count in (12, 60)
    )
    assert wrong <= 6


def test_the_last_of_several_changes_counts() -> None:
    found = last_change([100.0] * 20 + [300.0] * 20 + [200.0] * 20, least=10)
    assert found is not None
    assert (found.before, found.now, found.since) == (300, 200, 40)


def test_a_level_that_comes_and_goes_is_no_change() -> None:
    assert last_change(([100.0] * 10 + [200.0] * 10) * 3, least=10) is None


def test_with_fewer_than_ten_runs_there_is_no_change() -> None:
    assert len(levels([100.0] * 5 + [900.0] * (FEWEST - 6))) == 1
    assert len(levels([100.0] * 5 + [900.0] * (FEWEST - 5))) == 2


def test_a_rise_of_the_failure_rate_has_a_place() -> None:
    found = last_rate_change(([False] * 9 + [True]) * 6 + [True, False] * 20)
    assert found is not None
    assert (found.since, found.failed_before, found.failed, found.runs) == (59, 5, 21, 41)


def test_a_constant_failure_rate_does_not_change() -> None:
    wrong = sum(
        last_rate_change([random.random() < rate for _ in range(80)]) is not None
        for rate in (0.05, 0.3)
        for random in map(Random, range(200))
    )
    assert wrong <= 4
    assert last_rate_change([False] * 50) is None


def trend_of(many: FlowHistory) -> Trend:
    stats: StepStats = of_flow(many).steps[0]
    return stats.trend


def test_stats_say_since_when_and_which_version() -> None:
    runs = [facts(number, version="v1" if number < 12 else "v2") for number in range(50)]
    trend = trend_of(history(step("s", [100] * 12 + [150] * 38), runs=runs))
    assert (trend.before, trend.recent, trend.change, trend.delta) == (100, 150, 0.5, 50)
    assert (trend.since, trend.since_version, trend.too_few) == (runs[12].started_at, "v2", False)


def test_from_nothing_the_difference_tells() -> None:
    trend = trend_of(history(step("s", [0] * 60 + [15] * 20)))
    assert (trend.change, trend.delta) == (None, 15)


def test_few_runs_have_a_line_and_are_called_too_few() -> None:
    trend = trend_of(history(step("s", [1, 2, 30])))
    assert (trend.values, trend.change, trend.too_few) == ([1, 2, 30], None, True)


def test_failed_and_retried_runs_are_no_change_of_a_time() -> None:
    trend = trend_of(history(step("s", [100] * 20 + [900] * 9, bad=range(20, 29))))
    assert trend.since is None


def test_stats_and_insights_name_the_same_change() -> None:
    many = history(step("s", [100] * 20 + [160] * 30))
    (finding,) = RULES["slower"](profile(many, []))
    trend = trend_of(many)
    assert (trend.since, trend.before, trend.recent) == tuple(
        finding.evidence[name] for name in ("since", "beforeMs", "recentMs")
    )


def test_a_flow_that_fails_more_often_says_since_when() -> None:
    runs = [
        facts(number, status="error" if number >= 30 and number % 2 else "success") for number in range(60)
    ]
    found = of_flow(history(step("s", [1] * 60), runs=runs)).outcome_change
    assert found is not None
    assert found.since == runs[31].started_at
    assert (found.failed_before, found.runs_before, found.failed, found.runs) == (0, 31, 15, 29)


def test_a_series_is_cut_once_for_all_that_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cutting is most of the time of statistics and findings, which ask for the same series."""
    cut: list[object] = []
    monkeypatch.setattr(changes, "_segment", lambda values: cut.append(values) or [])
    values = [float(at) + 0.123 for at in range(30)]
    changes.last_change(values, least=1.0)
    changes.last_change(list(values), least=5.0, smallest=0.5)
    assert len(cut) == 1
    changes._cuts.cache_clear()
