"""Answers stay within 8,000 characters, and nothing is left out in silence."""

from __future__ import annotations

import json

import msgspec
import pytest
from answers.conftest import bounds, deep, flat, hostile
from hypothesis import given
from hypothesis import strategies as st
from made import assembly, span
from msgspec import Struct

from one_trace.answers.bounds import LIMIT, cut_text, fit, number, size
from one_trace.answers.run import answer
from one_trace.model.trace import Trace


@pytest.mark.parametrize("count", [0, 1, 2, 10, 50, 300, 2000, 20_000])
def test_a_run_of_any_size_fits(count: int) -> None:
    _check_fits(flat(count))


@pytest.mark.parametrize("count", [1, 100])
def test_hostile_names_and_errors_fit(count: int) -> None:
    _check_fits(hostile(count))


def test_a_deep_run_fits() -> None:
    _check_fits(deep(1000))


def _check_fits(trace: Trace) -> None:
    found = answer(trace, bounds=bounds())
    assert size(found) <= LIMIT
    assert found["schema"] == "one-trace-run/1"
    assert _shown(found) + (found["omitted"] or {"spans": 0})["spans"] == len(trace.spans)


def _shown(found: dict) -> int:
    return sum(row.get("spans", 1) for row in found["steps"])


def test_pages_of_a_run_show_each_step_once() -> None:
    trace, cursor, paths = flat(300), None, []
    for _ in range(100):
        found = answer(trace, bounds=bounds(cursor=cursor))
        paths += [row["path"] for row in found["steps"]]
        if found["omitted"] is None:
            break
        cursor = found["omitted"]["cursor"]
    assert sorted(paths) == sorted(each.path for each in trace.spans)


def test_a_failed_step_is_shown_among_a_thousand_others() -> None:
    spans = [span(f"ok-{at}") for at in range(1000)]
    spans[700] = span("bad", status="error", error="boom")
    found = answer(assembly(spans=spans, status="error").trace, bounds=bounds())
    assert [row["error"] for row in found["failed"]] == ["boom"]
    assert any(row.get("error") == "boom" for row in found["steps"])


def test_fields_leave_space_for_more_rows() -> None:
    few = answer(flat(300), bounds=bounds())
    many = answer(flat(300), bounds=bounds(fields="steps.path"))
    assert len(many["steps"]) > 2 * len(few["steps"])


class Line(Struct):
    key: str
    text: str | None = None


class Document(Struct):
    one: list[Line] = []
    two: list[Line] = []
    schema: str = "x/1"


LINES = st.lists(st.builds(Line, st.text(max_size=600), st.text(max_size=600) | st.none()))


@given(st.builds(Document, LINES, LINES))
def test_any_document_is_cut_until_it_fits_and_says_so(document: Document) -> None:
    found = msgspec.to_builtins(fit(document, bounds()))
    assert size(found) <= LIMIT
    before = len(document.one) + len(document.two)
    after = len(found.get("one", ())) + len(found.get("two", ()))
    if after < before:
        assert sum(found["omitted"]["rows"].values()) == before - after
        assert found["omitted"]["how"] == "one trace x --full"


@given(st.lists(st.text(max_size=300), unique=True), st.integers(0, 9))
def test_pages_have_each_row_once_while_rows_are_added(keys: list[str], limit: int) -> None:
    rows, seen, cursor = [Line(key) for key in keys], [], None
    for page in range(400):
        document = Document(one=[*(Line(f"new {at}") for at in range(page)), *rows])
        found = msgspec.to_builtins(fit(document, bounds(limit=limit, cursor=cursor)))
        seen += [row["key"] for row in found.get("one", ())]
        if "omitted" not in found:
            break
        cursor = found["omitted"]["cursor"]
    assert [key for key in seen if not key.startswith("new ")] == [cut_text(key) for key in keys]


def test_a_list_in_the_only_row_of_another_is_cut_first() -> None:
    class Flow(Struct):
        name: str
        steps: list[Line]

    class Flows(Struct):
        flows: list[Flow]

    found = msgspec.to_builtins(fit(Flows([Flow("f", [Line(f"k{at}") for at in range(1000)])]), bounds()))
    assert len(found["flows"][0]["steps"]) > 100
    assert list(found["omitted"]["rows"]) == ["flows[0].steps"]


def test_figures_have_no_float_noise() -> None:
    assert json.dumps([number(12.193000000000001), number(3.0), number(0.1 + 0.2)]) == "[12.193, 3, 0.3]"


def test_a_cut_text_keeps_its_beginning_and_end() -> None:
    assert cut_text("a" * 10, 10) == "a" * 10
    assert len(cut_text("begin" + "x" * 1000 + "end", 60)) == 60
    assert cut_text("begin" + "x" * 1000 + "end", 60).endswith("end")
