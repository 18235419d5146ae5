"""Answers are kept within 8,000 characters, and nothing is cut in silence."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import assembly, span

from one_trace.answers.bounds import LIMIT, bounded, cut, number, size
from one_trace.answers.run import RunAnswer, answer
from one_trace.model.trace import Span, Trace
from one_trace.store import Store

HOSTILE = "\U0001f600\u202e\x1b[2J\u0000" * 40


def flat(count: int) -> Trace:
    return assembly(spans=[span(f"step-{at}") for at in range(count)]).trace


def deep(levels: int) -> Trace:
    spans: list[Span] = []
    for at in range(levels):
        spans.append(span(f"s{at}", *spans[-1:], type="flow"))
    return assembly(spans=spans).trace


def hostile(count: int) -> Trace:
    spans = [span(f"{HOSTILE}{at}", status="error", error=HOSTILE * 20) for at in range(count)]
    return assembly(spans=spans, status="error").trace


@pytest.mark.parametrize("count", [0, 1, 2, 10, 50, 300, 2000, 100_000])
def test_a_run_of_any_size_fits(count: int) -> None:
    _fits(answer(flat(count)), count)


@pytest.mark.parametrize("count", [1, 100])
def test_hostile_names_and_errors_fit(count: int) -> None:
    _fits(answer(hostile(count)), count)


def test_a_deep_run_fits() -> None:
    _fits(answer(deep(1000)), 1000)


def _fits(found: RunAnswer, spans: int) -> None:
    assert size(found) <= LIMIT
    assert found.run.counts.spans == spans
    told = sum(row.spans for row in found.steps)
    left = found.omitted.spans if found.omitted else 0
    assert told + left == spans
    assert json.loads(msgspec.json.encode(found))["schema"] == "one-trace-run/1"


def test_what_failed_is_there_though_a_thousand_others_went_well() -> None:
    spans = [span(f"ok-{at}") for at in range(1000)]
    spans[700] = span("bad", status="error", error="boom")
    found = answer(assembly(spans=spans, status="error").trace)
    assert [row.error for row in found.failed] == ["boom"]
    assert any(row.error == "boom" for row in found.steps)


CELL = st.text(max_size=600) | st.integers() | st.none()
ROWS = st.lists(st.dictionaries(st.text(max_size=8), CELL, max_size=5))


@given(st.dictionaries(st.text(min_size=1, max_size=8), ROWS, max_size=5))
def test_any_document_is_cut_until_it_fits_and_says_so(document: dict[str, object]) -> None:
    found = bounded({"schema": "x/1", **document}, "one trace x --full", limit=1500)
    assert size(found) <= 1500
    before = sum(len(rows) for rows in document.values() if isinstance(rows, list))
    after = sum(len(rows) for rows in found.values() if isinstance(rows, list))
    if after < before:
        assert found["omitted"]["rows"]
        assert found["omitted"]["how"] == "one trace x --full"


def test_a_figure_has_no_float_noise() -> None:
    assert json.dumps([number(12.193000000000001), number(3.0), number(0.1 + 0.2)]) == "[12.193, 3, 0.3]"


def test_of_a_long_path_beginning_and_end_stay() -> None:
    assert cut("a" * 10, 10) == "a" * 10
    assert len(cut("begin" + "x" * 1000 + "end", 60)) == 60
    assert cut("begin" + "x" * 1000 + "end", 60).endswith("end")


@pytest.mark.parametrize("argv", [["stats"], ["stats", "big"], ["diff", "big@prev", "big@last"]])
def test_the_answer_of_a_long_history_fits_and_the_whole_is_one_flag_away(machine, argv) -> None:
    with Store(machine.data / "traces.db") as store:
        for number in range(60):
            spans = [span(f"step-{at}", flow="big") for at in range(120)]
            store.save(assembly(f"{number:012x}", spans, flow_key="big"))
    done = machine.one("--agent", "trace", *argv)
    assert len(done.out.decode()) <= LIMIT
    assert done.document["omitted"]["how"].endswith(" --full")
    whole = machine.one("--agent", "trace", *argv, "--full")
    assert len(whole.out) > len(done.out)
    assert "omitted" not in whole.document


def test_an_answer_that_does_not_fit_still_names_its_flows_and_steps(machine) -> None:
    with Store(machine.data / "traces.db") as store:
        for flow in range(8):
            spans = [span(f"step-{at}", flow=f"flow-{flow}") for at in range(40)]
            store.save(assembly(f"{flow:012x}", spans, flow_key=f"flow-{flow}"))
    overview, one = (machine.one("--agent", "trace", "stats", *flow).document for flow in ([], ["flow-3"]))
    assert len(overview["flows"]) == 8
    assert len(one["flows"][0]["steps"]) >= 5
    assert one["omitted"]["rows"] == {"flows[0].steps": 40 - len(one["flows"][0]["steps"])}
