"""Many that wait for one line: what it takes to read them is bounded by work, not by lines alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from one_trace.assemble import assemble, read_through
from one_trace.assemble.ground.ground import LINES
from one_trace.record.reading import read
from tests.assemble.damage import check
from tests.assemble.recorded import MadeRun, code
from tests.effort import effort


def one_loop(made: MadeRun, size: int) -> None:
    loop = {"over": "$.input.x", "as": "it", "maxConcurrency": size, "steps": [code("a")]}
    made.flow([{"id": "l", "name": "L", "type": "loop", "loop": loop}]).start("l", "loop")
    for _ in range(size):
        made.start("a")
    for number in range(size):
        made.after(1).end("a", number + 1)
    made.end("l", size)


def many_loops(made: MadeRun, size: int) -> None:
    loop = {"over": "$.input.x", "as": "it", "steps": [code("a"), code("b")]}
    loops = [{"id": f"l{number}", "name": "L", "type": "loop", "loop": loop} for number in range(size)]
    made.flow([{"id": "p", "name": "P", "type": "parallel", "parallel": {"steps": loops}}])
    made.start("p", "parallel")
    for _ in range(size):
        made.start("a")
    for _ in range(size):
        made.after(1).end("a", 1).start("b")
    for _ in range(size):
        made.after(1).end("b", 1)
    made.end("p", 2 * size)


def silent_children(made: MadeRun, size: int) -> None:
    block: dict[str, Any] = {"id": "p", "name": "P", "type": "parallel"}
    block["parallel"] = {"steps": [code("x"), code("y")]}
    loop = {"over": "$.input.x", "as": "it", "maxConcurrency": size, "steps": [block]}
    made.flow([{"id": "l", "name": "L", "type": "loop", "loop": loop}]).start("l", "loop")
    for _ in range(size):
        made.start("p", "parallel")
    for number in range(size):
        made.after(1).end("p", number + 1)
    made.end("l", size)


@pytest.mark.parametrize("make", [one_loop, many_loops, silent_children])
def test_a_crowd_is_read_with_bounded_work(make: Callable[[MadeRun, int], None], tmp_path: Path) -> None:
    """Without a state all of them are alike: each that is tried in another's place costs a reading of its
    own, and each of its lines as much as wait for it."""
    made = MadeRun(tmp_path)
    make(made, effort(80, 200))
    record = read(replace(made.write(), state=None))
    trace = assemble(record).trace
    check(trace)
    assert all(span.derived for span in trace.spans if span.step_id in ("a", "b", "x", "y"))
    assert read_through(record)[0].replayed <= 4 * LINES
