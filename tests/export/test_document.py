"""Trace documents read back: nothing of an own one is lost, and a stranger's is refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made import USAGE, assembly, span

from one_trace.errors import CliError
from one_trace.export.document import documents, read_trace
from one_trace.export.formats import to_json
from one_trace.model.trace import Cause, Exit, Session, Trace, Upload
from one_trace.outbound.error_text import redact_errors


def rich() -> Trace:
    """A trace with a value in as many fields as possible."""
    box = span("box", type="parallel", attempts=2, retries=1, branch="then", late=True)
    failed = span(
        "failed\x1b[31m\u2028\u202e",
        box,
        status="error",
        error="é" * 2000,
        error_code="E",
        derived=["startedAt", "durationMs"],
        iteration=3,
        parent_attempt=2,
        input_bytes=2**63 - 1,
        output_bytes=2,
        start_ms=-1.5,
        usage=USAGE,
    )
    return assembly(
        spans=[box, failed],
        status="error",
        usage=USAGE,
        session=Session(agent="codex", session_id="t-1"),
        parent_run_id="00000000000b",
        cause=Cause(span_id=failed.span_id, path=failed.path, error="boom", never_ran=["x"]),
        partial=["the log ends in mid-line"],
        other_events={"step:thought": 2},
        other_fields={"step:complete": ["gpuMs"]},
        exit=Exit(code=1, signal="SIGINT", duration_ms=31),
        uploads=[Upload(sink="traces.com", state="sent", url="https://traces.com/s/x", attempts=1)],
    ).trace


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.json"


def test_a_document_is_read_back_whole(path: Path) -> None:
    trace = rich()
    path.write_bytes(to_json(trace))
    assert read_trace(path) == trace
    assert to_json(read_trace(path)) == path.read_bytes()


def test_every_line_of_json_lines_is_a_document(path: Path) -> None:
    first, second = to_json(rich()), to_json(rich())
    path.write_bytes(first + b"\n" + second)
    found = list(documents(path))
    assert [each.place for each in found] == [f"{path}, line 1", f"{path}, line 3"]
    assert [to_json(each.trace()) for each in found] == [first, second]


def test_a_document_may_be_formatted(path: Path) -> None:
    data = to_json(rich())
    path.write_text(json.dumps(json.loads(data), indent=2))
    assert to_json(read_trace(path)) == data


def edited(edit: Callable[[dict[str, Any]], None]) -> bytes:
    document = json.loads(to_json(rich()))
    edit(document)
    return json.dumps(document).encode()


def setter(place: str, value: object) -> Callable[[dict[str, Any]], None]:
    """An edit that sets the member at ``run.cause.path``."""
    *parents, name = place.split(".")

    def edit(document: dict[str, Any]) -> None:
        at: Any = document
        for parent in parents:
            at = at[int(parent) if parent.isdecimal() else parent]
        at[name] = value

    return edit


HOSTILE = {
    "another schema": (setter("schema", "one-trace-run/1"), "not a one-trace/1 document"),
    "a schema that moves the cursor": (setter("schema", "\x1b[2J"), "\\x1b[2J"),
    "a number for a name": (setter("run.flowKey", 5), "run.flowKey: expected `str`, got `int`"),
    "an unknown status": (setter("spans.0.status", "great"), "spans[0].status: invalid enum value 'great'"),
    "a huge integer": (setter("spans.0.outputBytes", 10**30), "spans[0].outputBytes: is out of range"),
    "a huge number": (setter("spans.1.startMs", 1e300), "spans[1].startMs: is out of range"),
    "an exit code below zero": (setter("run.exit", {"code": -1}), "run.exit.code: is out of range"),
    "an odd signal": (setter("run.exit", {"signal": "SIG\x1b[2J"}), "run.exit.signal: has an unknown form"),
    "a negative duration": (setter("run.durationMs", -1), "run.durationMs: is out of range"),
    "a huge count": (setter("run.counts.success", 2**64), "run.counts.success: is out of range"),
    "a huge cost": (setter("run.usage.costUsd", 1e200), "run.usage.costUsd: is out of range"),
    "a missing span": (setter("run.counts.spans", 3), "run.counts.spans: is 3, but there are 2 spans"),
    "a trace id of another form": (setter("run.traceId", "x" * 32), "run.traceId: has an unknown form"),
    "a trace id of zeros": (setter("run.traceId", "0" * 32), "run.traceId: has an unknown form"),
    "no run id": (setter("run.runId", ""), "run.runId: is empty"),
    "a time that is none": (setter("run.startedAt", "yesterday"), "run.startedAt: is not an ISO 8601 time"),
    "a parent that is missing": (setter("spans.1.parentSpanId", "f" * 16), "spans[1].parentSpanId: no span"),
    "a parent that comes later": (setter("spans.0.parentSpanId", "f" * 16), "spans[0].parentSpanId: no span"),
    "a list of names in one": (setter("spans.0.derived", ["a,b"]), "spans[0].derived: has an unknown form"),
    "a filtered document": (setter("filter", {"failed": True}), "filter: the document does not have all"),
    "no spans": (lambda document: document.pop("spans"), "missing required field `spans`"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_strangers_document_is_refused_with_file_and_field(path: Path, name: str) -> None:
    edit, problem = HOSTILE[name]
    path.write_bytes(edited(edit))
    with pytest.raises(CliError) as refused:
        read_trace(path)
    assert refused.value.message.startswith(f"{path}: ")
    assert problem in refused.value.message
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < len(str(path)) + 300


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b'{"schema": "\xff"}', "not valid JSON"),
        (b'{"schema": NaN}', "not valid JSON"),
        (b'{"schema": "one-trace/1", "run": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b"[]", "expected `object`, got `array`"),
        (b'{"schema": "one-trace/1", "spans": [1e999]}', "run"),
        (b"\0" * 100, "not valid JSON"),
    ],
)
def test_what_is_not_a_document_is_refused_in_one_line(path: Path, data: bytes, problem: str) -> None:
    path.write_bytes(data)
    with pytest.raises(CliError) as refused:
        read_trace(path)
    assert problem in refused.value.message


def test_two_equal_span_ids_are_refused(path: Path) -> None:
    def edit(document: dict[str, Any]) -> None:
        document["spans"][1]["spanId"] = document["spans"][0]["spanId"]

    path.write_bytes(edited(edit))
    with pytest.raises(CliError, match=r"spans\[1\].spanId: another span has it too"):
        read_trace(path)


def test_a_file_of_several_documents_is_not_one(path: Path) -> None:
    path.write_bytes(to_json(rich()) * 2)
    with pytest.raises(CliError, match="has several documents instead of one"):
        read_trace(path)


def test_a_file_that_is_too_large_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("one_trace.export.document.DOCUMENT_LIMIT", 1000)
    path.write_bytes(to_json(rich()))
    with pytest.raises(CliError, match="larger than"):
        read_trace(path)


def test_redacting_twice_changes_nothing() -> None:
    made = assembly(spans=[span("x", status="error", error="token=ghp_abcdefghijklmnopqrstuvwxyz0123456789")])
    redact_errors(made, {})
    once = made.trace.spans[0].error
    redact_errors(made, {})
    assert made.trace.spans[0].error == once
    assert "[REDACTED]" in (once or "")
