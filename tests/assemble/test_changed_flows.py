"""Flow files that are not as they were when the run ran, or that are no files at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from one_trace.assemble import assemble
from one_trace.model.trace import Trace
from one_trace.record.files import RunFiles
from one_trace.record.flows import read_flow
from one_trace.record.reading import read
from tests.assemble.damage import check
from tests.assemble.generated import Maker, run
from tests.assemble.recorded import MadeRun, code, lay_out
from tests.assemble.test_generated import node
from tests.effort import effort

Step = dict[str, Any]
Change = Callable[[list[Step], int, list[Step]], None]
"""What is done with a step, given the list that holds it, its place there, and the flow's own list."""


def renamed(held: list[Step], at: int, top: list[Step]) -> None:
    held[at]["id"] = "renamed"


def removed(held: list[Step], at: int, top: list[Step]) -> None:
    del held[at]


def added(held: list[Step], at: int, top: list[Step]) -> None:
    held.insert(at, code("added"))


def retyped(held: list[Step], at: int, top: list[Step]) -> None:
    held[at]["type"] = "code" if held[at]["type"] == "loop" else "loop"


def moved_behind(held: list[Step], at: int, top: list[Step]) -> None:
    held.append(held.pop(at))


def moved_out(held: list[Step], at: int, top: list[Step]) -> None:
    top.append(held.pop(at))


CHANGES: list[Change] = [renamed, removed, added, retyped, moved_behind, moved_out]


def lists(steps: list[Step]) -> Iterator[tuple[list[Step], int]]:
    for at, step in enumerate(steps):
        yield steps, at
        config = step.get(step["type"], {})
        for name in ("steps", "then", "else"):
            yield from lists(config.get(name, []))


def shown(files: RunFiles) -> Trace:
    trace = assemble(read(files)).trace
    check(trace)
    return trace


def with_events(trace: Trace) -> list[tuple[str, float, str]]:
    """The executions that the log tells of, wherever they stand."""
    return sorted((s.step_id, s.start_ms, s.status) for s in trace.spans if "startMs" not in s.derived)


@node
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.program
def test_every_step_that_ran_is_told_whatever_became_of_the_files(
    change: Change, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for seed in range(effort(2, 8)):
        made = Maker(Random(seed), problem=bool(seed % 2), wide=not seed % 3).make(2)
        files, _, before = run(made, tmp_path_factory.mktemp("made"))
        assert files.log is not None
        started = files.log.read_bytes().count(b'"msg":"step:start"')
        for file in sorted((files.project / ".one/flows").glob("*/flow.json")):
            text = file.read_text()
            for number in range(len(list(lists(json.loads(text)["steps"])))):
                flow = json.loads(text)
                held, at = list(lists(flow["steps"]))[number]
                change(held, at, flow["steps"])
                file.write_text(json.dumps(flow))
                assert len(with_events(shown(files))) == started, (seed, file.parent.name, number)
            file.write_text(text)
        assert shown(files) == before


def two_steps(tmp_path: Path) -> MadeRun:
    made = MadeRun(tmp_path).flow([code("a"), code("b")])
    return made.start("a").after(2).end("a", 2).start("b").after(3).end("b", 3)


@pytest.mark.parametrize(
    ("steps", "flat", "indexes"),
    [
        ([code("x"), code("b")], ["a"], [0, 1]),
        ([code("new"), code("a"), code("b")], [], [1, 2]),
        ([code("b"), code("a")], ["b"], [1, 0]),
        ([{**code("a"), "type": "transform"}, code("b")], [], [0, 1]),
        ([], ["a", "b"], [0, 1]),
    ],
    ids=["renamed", "added", "moved", "of another type", "all removed"],
)
def test_a_step_that_has_no_place_any_more_says_so(
    steps: list[Step], flat: list[str], indexes: list[int], tmp_path: Path
) -> None:
    files = two_steps(tmp_path).flow(steps).write()
    trace = shown(files)
    assert [(span.path, span.duration_ms) for span in trace.spans] == [("made > a", 2), ("made > b", 3)]
    assert [span.step_id for span in trace.spans if "path" in span.derived] == flat
    assert [span.index for span in trace.spans] == indexes


def a_folder(file: Path) -> None:
    file.mkdir()


def a_loop_of_links(file: Path) -> None:
    file.symlink_to(file.name)


def a_pipe(file: Path) -> None:
    os.mkfifo(file)


def a_device(file: Path) -> None:
    file.symlink_to("/dev/zero")


@pytest.mark.parametrize("place", [a_folder, a_loop_of_links, a_pipe, a_device], ids=lambda p: p.__name__)
def test_a_flow_file_that_is_none(place: Callable[[Path], None], tmp_path: Path) -> None:
    files = two_steps(tmp_path).write()
    file = tmp_path / ".one/flows/made/flow.json"
    file.unlink()
    place(file)
    trace = shown(files)
    assert [span.step_id for span in trace.spans] == ["a", "b"]
    assert trace.run.partial == ["the flow file of made is missing"]


def test_flows_that_call_each_other_without_end(tmp_path: Path) -> None:
    call = {"id": "call", "name": "Call", "type": "flow"}
    made = MadeRun(tmp_path).flow([{**call, "flow": {"key": "other"}}])
    made.flow([{**call, "flow": {"key": "made"}}], key="other")
    for key in ("other", "made") * 100:
        made.start("call", "flow").event("flow:start", flowKey=key, totalSteps=1, timestamp=made.time)
    trace = shown(made.write())
    assert len(trace.spans) == 200
    assert trace.spans[-1].path == "made" + " > call" * 200


def test_a_flow_file_cut_anywhere(tmp_path: Path) -> None:
    (files,) = lay_out("14-subflow", tmp_path)
    before = with_events(shown(files))
    for file in sorted((tmp_path / ".one/flows").glob("*/flow.json")):
        whole = file.read_bytes()
        for cut in range(0, len(whole), 7):
            file.write_bytes(whole[:cut])
            assert read_flow(file) is None or cut == len(whole.rstrip())
            assert with_events(shown(files)) == before
        file.write_bytes(whole)
