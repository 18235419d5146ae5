"""Self time and the critical path."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from truths import Maker, recorded

from one_trace.model.trace import Span, Trace
from one_trace.model.tree import Shape, covered


def path_of(trace: Trace) -> list[tuple[str, float]]:
    shape = Shape(trace)
    return [
        (stretch.span.step_id if stretch.span else "-", stretch.end_ms - stretch.start_ms)
        for stretch in shape.critical_path
    ]


def test_self_time_is_the_time_less_the_union_of_the_children() -> None:
    made = Maker()
    fan = made.add("fan", 0, 100, type="parallel")
    made.add("a", 10, 50, fan)
    made.add("b", 20, 60, fan)
    made.add("late", 90, 500, fan, late=True)
    shape = Shape(made.trace())
    assert shape.self_ms[fan.span_id] == 100 - 70 - 10


def test_a_parallel_block_is_as_long_as_its_longest_branch() -> None:
    made = Maker()
    made.add("before", 0, 10)
    fan = made.add("fan", 10, 100, type="parallel")
    made.add("short", 10, 30, fan)
    long = made.add("long", 10, 98, fan, type="flow")
    made.add("x", 12, 40, long)
    made.add("y", 52, 55, long)
    made.add("after", 110, 5)
    assert path_of(made.trace()) == [
        ("before", 10),
        ("long", 2),
        ("x", 40),
        ("y", 55),
        ("long", 1),
        ("fan", 2),
        ("after", 5),
    ]


def test_a_concurrent_loop_waits_batch_by_batch() -> None:
    made = Maker()
    loop = made.add("each", 0, 60, type="loop")
    for number, (start, took) in enumerate([(0, 30), (0, 10), (30, 5), (30, 30)]):
        made.add(f"s{number}", start, took, loop, iteration=number)
    assert path_of(made.trace()) == [("s0", 30), ("s3", 30)]


def test_a_failure_is_what_was_waited_for_not_the_branch_that_went_on() -> None:
    made = Maker()
    fan = made.add("fan", 0, 40, type="parallel", status="error")
    made.add("dies", 1, 39, fan, status="error")
    made.add("goes-on", 1, None, fan, status="incomplete", late=True)
    assert ("dies", 39) in path_of(made.trace("error", duration=50))


def test_a_timed_out_loop_waited_for_the_iteration_that_ran() -> None:
    names = [name for name, _ in path_of(recorded("24b-timeout-ghost-after-result"))]
    assert names.count("body") == 2


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    made = Maker()
    number = draw(st.integers(0, 25))
    spans: list[Span] = []
    for at in range(number):
        parent = draw(st.sampled_from([None, *spans])) if spans else None
        start = draw(st.floats(0, 1000))
        took = draw(st.none() | st.floats(0, 800))
        status = "incomplete" if took is None else draw(st.sampled_from(["success", "error", "timeout"]))
        spans.append(made.add(f"s{at}", start, took, parent, status=status))
    return made.trace(duration=draw(st.none() | st.floats(0, 2000)))


@given(traces())
def test_the_critical_path_covers_the_run_from_start_to_end_without_gaps(trace: Trace) -> None:
    shape = Shape(trace)
    path = shape.critical_path
    end = trace.run.duration_ms or 0
    assert abs(sum(part.end_ms - part.start_ms for part in path) - end) < 1e-6
    assert all(abs(one.end_ms - two.start_ms) < 1e-6 for one, two in pairwise(path))


@given(traces())
def test_self_time_is_never_negative_nor_more_than_the_duration(trace: Trace) -> None:
    shape = Shape(trace)
    for span in trace.spans:
        if span.duration_ms is not None:
            assert -1e-6 <= shape.self_ms[span.span_id] <= span.duration_ms + 1e-6


def test_covered() -> None:
    assert covered([(0, 10), (5, 20), (30, 99)], 2, 40) == 18 + 10
    assert covered([], 0, 5) == 0
