"""References in the texts of a flow file, and what they give. `tests.effect` measures the whole."""

from __future__ import annotations

import pytest

from one_trace.analyse.edit import changed
from one_trace.answers.edits.selectors import follow, selectors_in
from one_trace.model.trace import Location, PlannedStep

OUTPUT = {"list": [{"id": 1}], "data": {"user": {"name": "Ada"}}, "text": "a", "none": None}


@pytest.mark.parametrize(
    ("source", "read"),
    [
        ("return $.steps.a.output.x.map(one);", ["$.steps.a.output.x"]),
        ('$.steps["a-b"].output[0]', ['$.steps["a-b"].output[0]']),
        ("const { output } = $.steps.a;\nreturn output.x;", ["$.steps.a", "$.steps.a.output.x"]),
        ("const { x: y } = $.steps.a.output;\ny.z();", ["$.steps.a.output", "$.steps.a.output.x"]),
        ("const s = $.steps;\ns.a.output.x", ["$.steps.a.output.x"]),
        ("const a = 1;\nother.a.b; 'a.b'", []),
        ("$.loop.item.mail + $.input.who", ["$.loop.item.mail", "$.input.who"]),
        ("const a = $.steps.a.output, a = a.b;\n" * 300, None),
    ],
)
def test_references_are_found_also_through_variables(source: str, read: list[str] | None) -> None:
    found = [one.text for one in selectors_in("code/source", source)]
    assert read is None or found == read


def test_a_reference_with_an_alternative_is_no_fault() -> None:
    texts = ("$.steps.a.output?.x", "$.steps.a.output.x ?? 1", "$.steps.a.output.x || []")
    assert all(next(selectors_in("code/source", text)).optional for text in texts)


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        (("list", "0", "id"), None),
        (("list", "length"), None),
        (("text", "trim"), None),
        (("text", "stdout"), ("$.text", "text", [])),
        (("none", "x"), ("$.none", "null", [])),
        (("list", "3"), ("$.list", "a list of 1", [])),
        (("lists",), ("$", "an object", ["$.list"])),
        (("user",), ("$", "an object", ["$.data.user"])),
    ],
)
def test_which_field_is_missing_and_which_is_meant(fields: tuple[str, ...], missing: tuple | None) -> None:
    found = follow(OUTPUT, fields, "$")[1]
    assert (found and (found.above, found.kind, found.near)) == missing


def planned(path: str, timeout: float | None = None, **parts: str) -> PlannedStep:
    at = Location(file="flow.json", pointer="/steps/0")
    return PlannedStep(path=path, type="code", flow_key="f", timeout_ms=timeout, parts=parts, at=at)


def test_what_a_version_changed() -> None:
    before = {"f > a": planned("f > a", 5000, source="1", timeoutMs="1"), "f > b": planned("f > b")}
    after = {"f > a": planned("f > a", 200, source="2", timeoutMs="2"), "f > c": planned("f > c")}
    assert [(edit.path, edit.at and edit.at.pointer, edit.text) for edit in changed(before, after)] == [
        ("f > a", "/steps/0/source", "source was changed"),
        ("f > a", "/steps/0/timeoutMs", "timeoutMs was 5000 and is 200 now"),
        ("f > c", "/steps/0", "this step is new"),
        ("f > b", None, "this step was taken out (a step of type code)"),
    ]
    assert list(changed({}, after)) == []
