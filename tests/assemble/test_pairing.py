"""Which end may be of which start, held against all ways of pairing them."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as some

from one_trace.assemble.ground.facts import Facts
from one_trace.assemble.ground.pairing import Clocks, Pairing
from one_trace.assemble.ground.script import Lines
from one_trace.record.log import LogLine


def line(event: str, at: int, duration_ms: int | None = None, step_id: str = "s") -> LogLine:
    return LogLine(
        event=event, at=at, duration_ms=duration_ms, step_id=step_id, type="code", status="success"
    )


def clocks(lines: list[LogLine]) -> Clocks:
    """Of a real clock: the first step begins later than its flow."""
    lines = [line("flow:start", lines[0].at - 1), *lines]
    return Clocks(Facts(lines), Lines(lines))


@some.composite
def logs(draw: some.DrawFn) -> list[LogLine]:
    """Steps that begin one after another, wait long enough not to end in the turn in which they began, and
    end in any order; the clock of each starts before the line is written that follows on its first."""
    gaps = draw(some.lists(some.integers(0, 2), min_size=2, max_size=6))
    starts = [sum(gaps[: number + 1]) for number in range(len(gaps))]
    following = [*starts[1:], starts[-1] + 2]
    own = [draw(some.integers(begun, after)) for begun, after in zip(starts, following, strict=True)]
    waited = 100
    ends = sorted((waited + draw(some.integers(0, 3)) * 50, number) for number in range(len(starts)))
    lines = [line("step:start", at) for at in starts]
    lines.append(line("step:start", starts[-1] + 2, step_id="other"))
    lines += [line("step:complete", at, at - own[number]) for at, number in ends]
    return lines


@given(logs())
def test_what_may_end_is_what_leaves_all_others_a_start(lines: list[LogLine]) -> None:
    known = clocks(lines)
    paired = known.paired("s")
    assert paired is not None
    ranks = {rank: start for start, rank in paired.ranks.items()}
    ends = list(paired.between)
    ways = [
        dict(zip(ends, way, strict=True))
        for way in permutations(ranks, len(ends))
        if all(
            paired.between[end][0] <= rank < paired.between[end][1]
            for end, rank in zip(ends, way, strict=True)
        )
    ]
    assert paired.start_of in ways
    pairing = Pairing(paired)
    for end in ends:
        left = {way[end] for way in ways}
        may_end = {rank for rank, start in ranks.items() if pairing.may_end(start, end)}
        within = {rank for rank in may_end if paired.between[end][0] <= rank < paired.between[end][1]}
        assert left <= may_end
        assert within - taken_before(ways, ends, end) <= left
        rank = max(left)
        assert pairing.take(ranks[rank], end)
        ways = [way for way in ways if way[end] == rank]


def taken_before(ways: list[dict[int, int]], ends: list[int], end: int) -> set[int]:
    return {ways[0][other] for other in ends[: ends.index(end)]}


def test_an_end_that_is_given_the_start_of_another_has_to_have_one_left() -> None:
    """The second one's end fits both, the first one's only the first."""
    lines = [line("step:start", 0), line("step:start", 1), line("step:start", 5, step_id="other")]
    lines += [line("step:complete", 51, 50), line("step:complete", 90, 90)]
    pairing = Pairing(clocks(lines).paired("s") or no_paired())
    assert not pairing.may_end(1, 4)
    assert pairing.may_end(2, 4)
    assert not pairing.take(1, 4)
    assert pairing.take(2, 4)
    assert pairing.take(1, 5)


def no_paired() -> None:
    raise AssertionError("each end has a start")


def test_where_an_end_has_no_start_nothing_is_ruled_out() -> None:
    lines = [line("step:start", 0), line("step:start", 0), line("step:start", 1, step_id="other")]
    lines += [line("step:complete", 9, 30), line("step:complete", 90, 90)]
    assert clocks(lines).paired("s") is None


def test_what_runs_one_after_another_needs_no_pairing() -> None:
    lines = [
        line("step:start", 0),
        line("step:complete", 5, 5),
        line("step:start", 5),
        line("step:complete", 9, 4),
    ]
    assert clocks(lines).paired("s") is None
