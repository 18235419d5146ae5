"""Paths of steps that are nested deeply: stored by what they add, and read back whole."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from made import assembly, span

from one_trace.analyse import baseline
from one_trace.analyse.flat_table import COLUMNS
from one_trace.cli.flow_history import page_of
from one_trace.export.baseline import read_baseline, to_file
from one_trace.history.local import LocalHistory
from one_trace.model.baseline import LONGEST_PATH
from one_trace.model.trace import Assembly, Span
from one_trace.model.tree import static_paths
from one_trace.model.wanted import Wanted
from one_trace.store import Store
from one_trace.store.check import damage
from one_trace.store.deep_paths import LONG, whole_paths

FLOW = "my-flow"
WANTED = Wanted(flow=FLOW)


def nested(run: str, depth: int, *, name: str = "S", top: str = "top") -> Assembly:
    """A run of steps within each other, with iterations on the way, and a leaf beside each that failed."""
    outer = span(top, type="loop")
    spans: list[Span] = [outer]
    for level in range(depth):
        iteration = level if level % 2 else None
        leaf = span("leaf", outer, status="error", error="boom", iteration=iteration)
        inner = span(f"s{level}", outer, type="loop", name=name, iteration=iteration)
        spans += [leaf, inner]
        outer = inner
    return assembly(run, spans, flow_key=FLOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "traces.db"


@pytest.mark.parametrize("made", [nested("00000000000a", 400), nested("00000000000b", 3, top="x" * 10_000)])
def test_what_is_read_back_is_what_was_saved(path: Path, made: Assembly) -> None:
    before = msgspec.convert(msgspec.to_builtins(made.trace.spans), list[Span])
    static = static_paths(FLOW, made.trace.spans)
    with Store(path) as store:
        assert store.save(made) == "new"
        assert store.save(made) == "unchanged"
        found = store.trace(made.trace.run.run_id)
        assert [each.path for each in found.spans] == [each.path for each in before]
        assert found.spans == before
        assert {step[0] for step in store.steps_of(made.trace.run.run_id)} == set(static.values())
        assert damage(store.connection) is None


def test_every_question_answers_with_whole_paths(path: Path) -> None:
    runs = [nested(f"{number:012x}", 200) for number in range(2)]
    runs.append(nested("00000000000c", 200, name="renamed"))
    spans = [each for run in runs for each in run.trace.spans]
    static = static_paths(FLOW, spans)
    paths = set(static.values())
    with Store(path) as store:
        for run in runs:
            store.save(run)
        history = LocalHistory(store)
        (flow,) = history.histories(WANTED)
        assert [step.path for step in flow.steps] == list(dict.fromkeys(static.values()))
        assert {sum(counts.runs for counts in step.versions) for step in flow.steps} == {3}
        assert set(history.failure_details(flow)) == {at for at in paths if at.endswith(" > leaf")}
        past = history.past(store.trace("00000000000c").run)
        assert set(past.steps) == {at.partition(" > ")[2] for at in paths}
        rows = list(history.span_rows(WANTED))
    assert [row[list(COLUMNS).index("path")] for row in rows] == [each.path for each in spans]
    assert [row[list(COLUMNS).index("step")] for row in rows] == [static[each.span_id] for each in spans]


def test_what_is_made_for_people_grows_with_the_depth_and_not_with_its_square(path: Path) -> None:
    """A page, and a baseline, which is read back only with short paths."""
    sizes = []
    with Store(path) as store:
        history = LocalHistory(store)
        for depth in (1500, 3000):
            store.save(assembly(f"{depth:012x}", _chain(depth), flow_key=f"f{depth}"))
            (past,) = [
                history.past_of_flow(f"f{depth}", project) for project in history.projects(f"f{depth}")
            ]
            file = to_file(baseline.make(f"f{depth}", past, []))
            (path.parent / "base.json").write_bytes(file)
            assert (
                max(len(step.path) for step in read_baseline(path.parent / "base.json").steps) <= LONGEST_PATH
            )
            asked: list[str] = []
            store.connection._raw.set_trace_callback(asked.append)
            sizes.append((len(page_of(history, Wanted(f"f{depth}"))), len(file)))
            store.connection._raw.set_trace_callback(None)
            assert len([sql for sql in asked if "max_ms IS NOT NULL" in sql]) == 1, (
                "the figures are read once"
            )
    (page, file), (page_of_twice, file_of_twice) = sizes
    assert page_of_twice < 2.2 * page
    assert file_of_twice < 1.1 * file


def _chain(depth: int) -> list[Span]:
    spans: list[Span] = []
    for level in range(depth):
        spans.append(span(f"step-{level}", spans[-1] if spans else None, type="flow"))
    return spans


def test_the_store_grows_with_the_depth_and_not_with_its_square(path: Path) -> None:
    with Store(path) as store:
        for number, depth in enumerate((200, 400)):
            store.save(nested(f"{number:012x}", depth))
            sums = "SELECT sum(length(path)) FROM"
            (steps,) = store.connection.execute(f"{sums} steps").fetchone()
            (spans,) = store.connection.execute(f"{sums} spans").fetchone()
            assert steps + spans < (depth + 200 * number) * 2 * 2 * LONG


def test_a_circle_in_a_damaged_store_ends(path: Path) -> None:
    with Store(path) as store:
        store.save(nested("00000000000a", 200))
        store.connection.execute("UPDATE steps SET parent = id")
        assert whole_paths(store.connection)
        store.connection.execute("UPDATE steps SET parent = 77777")
        assert whole_paths(store.connection)
        assert damage(store.connection) is not None
