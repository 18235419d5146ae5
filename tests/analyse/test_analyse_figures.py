from __future__ import annotations

import statistics
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st
from many import facts, packed, step

from one_trace.analyse.quantiles import quantile, unpack
from one_trace.analyse.rounding import rounded
from one_trace.analyse.trend import Trend, of_step, slices

numbers = st.lists(st.integers(0, 1_000_000).map(float), min_size=2, max_size=60)


@given(numbers)
def test_quantiles_are_those_of_the_standard_library(values: list[float]) -> None:
    values.sort()
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    assert quantile(values, 0.5) == pytest.approx(statistics.median(values))
    assert quantile(values, 0.95) == pytest.approx(cuts[18])
    assert (quantile(values, 0), quantile(values, 1)) == (values[0], values[-1])


def test_an_empty_list_has_no_quantile() -> None:
    assert quantile([], 0.5) is None


@given(st.integers(0, 500), st.integers(1, 20))
def test_slices_cover_everything_once_and_none_is_empty(count: int, wanted: int) -> None:
    parts = slices(count, wanted)
    assert [place for start, end in parts for place in range(start, end)] == list(range(count))
    assert len(parts) == min(count, wanted)


@given(st.lists(st.lists(st.integers(0, 10_000).map(float), max_size=4), max_size=60))
def test_durations_of_a_step_are_those_of_all_its_spans(runs: list[list[float]]) -> None:
    durations, trend = of_step(step("s", runs), [facts(number) for number in range(len(runs))])
    assert durations == sorted(value for run in runs for value in run)
    assert len(trend.values) == min(len(runs), 12)


def test_float32_and_float64_columns_are_read_together() -> None:
    assert unpack([packed(100_000_001.0, 2.5), array("f", [1.5]).tobytes(), None]) == [
        1.5,
        2.5,
        100_000_001.0,
    ]


def test_documents_have_no_float_noise() -> None:
    assert rounded(Trend(recent=0.1 + 0.2)).recent == 0.3
