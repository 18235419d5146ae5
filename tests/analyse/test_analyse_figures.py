from __future__ import annotations

import statistics
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st
from many import packed

from one_trace.analyse.figures import (
    change,
    packed_trend,
    quantile,
    slices,
    split_recent,
    trend,
    unpack,
)
from one_trace.analyse.rounding import rounded

numbers = st.lists(st.integers(0, 1_000_000).map(float), min_size=2, max_size=60)


@given(numbers)
def test_quantiles_are_those_of_the_standard_library(values: list[float]) -> None:
    values.sort()
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    assert quantile(values, 0.5) == pytest.approx(statistics.median(values))
    assert quantile(values, 0.95) == pytest.approx(cuts[18])
    assert (quantile(values, 0), quantile(values, 1)) == (values[0], values[-1])


def test_of_nothing_there_is_no_quantile() -> None:
    assert quantile([], 0.5) is None


@given(st.integers(0, 500), st.integers(1, 20))
def test_slices_cover_everything_once_and_none_is_empty(count: int, wanted: int) -> None:
    parts = slices(count, wanted)
    assert [place for start, end in parts for place in range(start, end)] == list(range(count))
    assert len(parts) == min(count, wanted)


@given(st.lists(st.lists(st.integers(0, 10_000).map(float), max_size=4), max_size=60))
def test_a_packed_series_says_the_same_as_its_numbers(runs: list[list[float]]) -> None:
    ordered, course = packed_trend([packed(*run) for run in runs])
    assert ordered == sorted(value for run in runs for value in run)
    cut = split_recent(len(runs))
    last = [value for run in runs[cut:] for value in run]
    assert course.recent == (statistics.median(last) if cut and last else None)


def test_a_trend_holds_the_last_runs_against_those_before() -> None:
    course = trend([10.0] * 60 + [15.0] * 20)
    assert (course.before, course.recent, course.change) == (10.0, 15.0, 0.5)
    assert len(course.values) == 12


def test_three_runs_are_no_trend_but_still_a_line() -> None:
    course = trend([1.0, None, 3.0])
    assert (course.values, course.change) == ([1.0, None, 3.0], None)


@pytest.mark.parametrize(("recent", "before"), [(None, 1.0), (1.0, None), (1.0, 0.0)])
def test_a_change_against_nothing_is_not_told(recent: float | None, before: float | None) -> None:
    assert change(recent, before) is None


def test_from_nothing_the_difference_tells() -> None:
    course = trend([0.0] * 60 + [15.0] * 20)
    assert (course.change, course.delta) == (None, 15.0)


def test_old_rows_and_new_ones_are_read_together() -> None:
    assert unpack([packed(100_000_001.0, 2.5), array("f", [1.5]).tobytes(), None]) == [
        1.5,
        2.5,
        100_000_001.0,
    ]


def test_documents_have_no_float_noise() -> None:
    course = rounded(trend([0.1 + 0.2] * 5))
    assert course.recent == 0.3
