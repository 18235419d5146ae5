"""Spans that arrive twice, late, in another order, or not at all: figures are those of the last revision."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from made import START_MS, USAGE, assembly, span
from msgspec import UNSET

from one_trace.analyse import stats
from one_trace.errors import NoSuchRun
from one_trace.history import profiles
from one_trace.history.otel_rows import OtelRow
from one_trace.model.trace import Assembly
from one_trace.model.wanted import ALL, Wanted
from tests.fleet import sent
from tests.fleet.engine import Engine
from tests.fleet.test_same_answers import clickhouse

pytestmark = pytest.mark.fleet
RUN_ID = "00000000000a"


def run(steps: int, ms: float = 10.0, **fields: object) -> Assembly:
    """One run of a loop of so many iterations and of as many steps of their own, some of them LLM calls."""
    each = span("each", type="loop", duration_ms=steps * ms)
    inner = [
        span("ask", each, iteration=i, start_ms=i * ms, duration_ms=ms, usage=USAGE) for i in range(steps)
    ]
    own = [span(f"step-{i}", start_ms=steps * ms, duration_ms=ms) for i in range(steps)]
    for number, one in enumerate([each, *inner, *own]):
        one.span_id = f"{number + 1:016x}"
        one.parent_span_id = each.span_id if one in inner else None
    run_id = str(fields.pop("number", RUN_ID))
    return assembly(run_id, [each, *inner, *own], duration_ms=2 * steps * ms, **fields)


def parts(rows: Sequence[OtelRow], *sizes: int) -> list[Sequence[OtelRow]]:
    found, at = [], 0
    for size in sizes:
        found.append(rows[at : at + size])
        at += size
    return [*found, rows[at:]]


OLD, NEW = sent.rows(run(3), 1), sent.rows(run(2, ms=20.0), 2)
MORE = sent.rows(run(4), 3)
ARRIVALS: dict[str, tuple[list[Sequence[OtelRow]], int, float]] = {
    "once": ([OLD], 3, 10.0),
    "twice": ([OLD, OLD], 3, 10.0),
    "twice in one batch": ([[*OLD, *OLD]], 3, 10.0),
    "in parts, the run last": (parts(OLD[::-1], 2, 3), 3, 10.0),
    "a part twice": ([*parts(OLD, 4), *parts(OLD, 4)[1:]], 3, 10.0),
    "again with fewer steps": ([OLD, NEW], 2, 20.0),
    "again with fewer, the old one late": ([NEW, OLD], 2, 20.0),
    "again with more": ([OLD, NEW, MORE], 4, 10.0),
    "again, both in parts": ([*parts(NEW, 3), *parts(OLD, 3), *parts(NEW, 1)], 2, 20.0),
}


@pytest.mark.parametrize("merged", [False, True], ids=["parts", "merged"])
@pytest.mark.parametrize("arrival", ARRIVALS.values(), ids=ARRIVALS)
def test_figures_are_those_of_the_last_revision(
    engine: Engine, arrival: tuple[list[Sequence[OtelRow]], int, float], merged: bool
) -> None:
    batches, steps, ms = arrival
    for batch in batches:
        sent.insert(engine, batch)
    if merged:
        for table in ("one_trace_runs", "one_trace_spans"):
            engine.run(f"OPTIMIZE TABLE {engine.database}.{table} FINAL")
    history = clickhouse(engine)
    (flow,) = stats.document(history.histories(ALL), flow=None, since=None).flows
    assert flow.partial is UNSET
    counts = {step.step_id: (step.count, step.total_ms) for step in flow.steps}
    assert counts.pop("ask") == (steps, steps * ms)
    own = {f"step-{number}" for number in range(steps)}
    assert {name for name, (count, _) in counts.items() if count} == {"each", *own}
    (listed,) = history.runs(ALL)
    assert (listed.counts.spans, listed.partial, history.count(ALL)) == (1 + 2 * steps, UNSET, 1)
    assert sum(usage.calls for usage in history.calls(ALL).usages) == steps
    trace = history.trace(RUN_ID)
    assert [one.path for one in trace.spans] == [one.path for one in run(steps, ms).trace.spans]
    assert not trace.run.partial
    assert len(list(history.span_rows(ALL))) == 1 + 2 * steps


def test_a_run_of_which_steps_are_missing_says_so(engine: Engine) -> None:
    sent.insert(engine, [row for row in OLD if row.attributes.get("one.step.id") != "step-1"])
    history = clickhouse(engine)
    trace = history.trace(history.find("last"))
    assert [len(trace.spans), trace.run.counts.spans] == [6, 7]
    reason = "1 of 7 spans has not arrived"
    assert trace.run.partial == [reason]
    assert [each.partial for each in history.runs(ALL)] == [[reason]]
    (flow,) = stats.document(history.histories(ALL), flow=None, since=None).flows
    assert flow.partial == [reason]
    assert profiles.findings(history, Wanted("my-flow"), since=None).partial == [reason]


def test_steps_of_a_run_that_has_not_arrived_are_shown_by_its_trace_id(engine: Engine) -> None:
    sent.insert(engine, [row for row in OLD if not row.is_run])
    history = clickhouse(engine)
    assert history.runs(ALL) == history.histories(ALL) == []
    trace = history.trace(history.find(OLD[0].trace_id))
    assert (len(trace.spans), trace.run.status) == (7, "incomplete")
    assert trace.run.partial
    with pytest.raises(NoSuchRun):
        history.find(RUN_ID)


def test_runs_with_one_id_are_told_apart_by_their_trace_ids(engine: Engine) -> None:
    first, second = run(1), run(1, trace_id="f" * 32, start=START_MS + 60_000)
    sent.send(engine, [first])
    sent.send(engine, [second], host_name="other")
    history = clickhouse(engine)
    with pytest.raises(NoSuchRun, match=r"2 runs have the id .*\(on laptop\) and ffff.*\(on other\)"):
        history.find(RUN_ID)
    assert history.trace(history.find("f" * 32)).run.trace_id == "f" * 32
    (flow,) = history.histories(ALL)
    assert [each.key for each in flow.runs] == [first.trace.run.trace_id, "f" * 32]


def test_values_that_make_no_sense_hide_no_other_run(engine: Engine) -> None:
    odd = [
        row._replace(attributes={**row.attributes, "one.run.steps": "many", "one.step.index": "x"})
        for row in OLD
    ]
    sent.insert(engine, odd)
    sent.send(engine, [run(1, trace_id="e" * 32, start=START_MS + 60_000)])
    assert [each.trace_id for each in clickhouse(engine).runs(ALL)] == ["e" * 32]


def test_findings_and_lists_outlive_the_spans_of_the_collectors_table(engine: Engine) -> None:
    sent.insert(engine, OLD)
    engine.run(f"TRUNCATE TABLE {engine.otel}.otel_traces")
    history = clickhouse(engine)
    assert profiles.findings(history, Wanted("my-flow"), since=None).runs == 1
    assert history.runs(ALL)[0].run_id == RUN_ID
    with pytest.raises(NoSuchRun, match="not in the engine any more"):
        history.trace(RUN_ID)


def test_runs_in_the_trace_of_their_caller_are_runs_of_their_own(engine: Engine) -> None:
    caller = f"00-{'c' * 32}-{'d' * 16}-01"
    first, second = run(1), run(2, trace_id="b" * 32, number="00000000000b", start=START_MS + 60_000)
    for made in (first, second):
        sent.insert(engine, sent.rows(made, caller=caller))
    history = clickhouse(engine)
    assert [each.trace_id for each in history.runs(ALL)] == ["b" * 32, first.trace.run.trace_id]
    for made in (first, second):
        trace = history.trace(history.find(made.trace.run.run_id))
        assert trace.run.trace_id == made.trace.run.trace_id
        assert [each.path for each in trace.spans] == [each.path for each in made.trace.spans]
        assert [each.parent_span_id for each in trace.spans] == [
            each.parent_span_id for each in made.trace.spans
        ]
    assert len(list(history.span_rows(ALL))) == 3 + 5
    with pytest.raises(NoSuchRun):
        history.find("c" * 32)
