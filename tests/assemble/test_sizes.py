"""Sizes: bytes of compact JSON, measured on raw text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from one_trace.assemble import assemble
from one_trace.assemble.sizes.compact import compact_bytes
from one_trace.record.reading import read
from tests.assemble.recorded import MadeRun, code, lay_out

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda v: st.lists(v) | st.dictionaries(st.text(), v),
)


def compact(value: object) -> int:
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass"))


@given(JSON)
def test_the_size_of_pretty_text_is_that_of_compact_text(value: object) -> None:
    pretty = json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert compact_bytes(Raw(pretty)) == compact(value)


@pytest.mark.parametrize(
    "value", [["x" * 700_000, {"a": ["y" * 700_000, {}, []]}], {"k": "z" * 2_000_000, "l": [1] * 400_000}]
)
def test_large_values_are_measured_in_parts(value: object) -> None:
    assert compact_bytes(Raw(json.dumps(value, indent=2).encode())) == compact(value)


def test_nothing_has_no_size() -> None:
    assert compact_bytes(Raw(b"")) is None


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("daily-digest > pick", 23),
        ("daily-digest > process", 47),
        ("daily-digest > process[3] > known", 5),
        ("daily-digest > process[2] > known > skipit", 0),
    ],
)
def test_what_went_in(path: str, size: int, tmp_path: Path) -> None:
    (files,) = lay_out("97b-realistic-fails", tmp_path)
    span = next(span for span in assemble(read(files)).trace.spans if span.path == path)
    assert span.input_bytes == size
    assert "inputBytes" in span.derived


def test_an_input_that_the_record_does_not_hold_is_unknown(tmp_path: Path) -> None:
    steps = [
        code("a"),
        {"id": "b", "name": "B", "type": "transform", "transform": {"expression": "$.steps.a.output.n + 1"}},
    ]
    made = MadeRun(tmp_path).flow(steps).start("a").end("a", 0).start("b").end("b", 0)
    made.results = {"b": {"status": "success", "output": 2, "durationMs": 0}}
    spans = made.assembled().trace.spans
    assert (spans[1].input_bytes, spans[1].output_bytes) == (None, 1)
