"""What may leave, and the event lines made from it."""

from __future__ import annotations

import json

import msgspec
import pytest
from made import USAGE, assembly, span

from one_trace.model.times import to_iso, to_ms
from one_trace.model.trace import Cause, Session, Usage
from one_trace.outbound.events import event_lines
from one_trace.outbound.names import one_line
from one_trace.outbound.sanitize import SanitizedRun, SanitizedSpan, SanitizedTrace, sanitize

NO_VALUES = {
    "input",
    "inputs",
    "output",
    "outputs",
    "response",
    "env",
    "cwd",
    "command",
    "args",
    "body",
    "value",
}


def lines(made: object) -> list[dict]:
    return [json.loads(msgspec.json.encode(event)) for event in event_lines(made.trace)]


def test_an_event_line_has_the_fields_of_the_contract() -> None:
    made = assembly(spans=[span("research", output_bytes=85000, input_bytes=12, usage=USAGE)])
    start, began, ended, end = lines(made)
    assert [start["event"], began["event"], ended["event"], end["event"]] == [
        "flow:start",
        "step:start",
        "step:complete",
        "flow:complete",
    ]
    assert list(ended) == [
        *("event", "flowKey", "stepId", "status", "durationMs", "outputSize", "timestamp"),
        *("runId", "traceId", "spanId", "parentSpanId", "path", "type", "iteration", "branch"),
        *("attempts", "retries", "inputSize", "errorCode", "usage"),
    ]
    assert (ended["status"], ended["durationMs"], ended["outputSize"]) == ("success", 10, 85000)
    assert ended["timestamp"] == "2026-04-06T10:02:00.010Z"
    assert ended["usage"]["costUsd"] == 0.25


@pytest.mark.parametrize(
    ("status", "events"),
    [
        ("success", ["step:start", "step:complete"]),
        ("timeout", ["step:start", "step:complete"]),
        ("skipped", ["step:start", "step:complete"]),
        ("error", ["step:start", "step:error"]),
        ("incomplete", ["step:start"]),
    ],
)
def test_the_events_of_a_step_follow_its_status(status: str, events: list[str]) -> None:
    assert [line["event"] for line in lines(assembly(spans=[span("x", status=status)]))[1:-1]] == events


def test_a_run_without_an_end_has_no_end_event() -> None:
    assert lines(assembly(status="incomplete"))[-1]["event"] == "step:complete"
    assert lines(assembly(status="error"))[-1]["event"] == "flow:error"


def test_lines_are_in_time_order_with_orphaned_ones_after_the_end() -> None:
    outer = span("outer", duration_ms=5.0)
    made = assembly(spans=[outer, span("ghost", outer, duration_ms=500.0, late=True)])
    times = [line["timestamp"] for line in lines(made)]
    assert times == sorted(times)
    assert [line.get("stepId") for line in lines(made)][-2:] == [None, "ghost"]


def test_all_spans_of_a_broken_tree_are_in_the_events() -> None:
    lost = span("lost")
    lost.parent_span_id = "f" * 16
    assert len(lines(assembly(spans=[span("a"), lost]))) == 6


def test_no_struct_has_a_field_for_a_value() -> None:
    for struct in (SanitizedTrace, SanitizedRun, SanitizedSpan):
        assert not NO_VALUES & set(struct.__struct_fields__)


def test_error_text_leaves_only_through_a_redactor() -> None:
    failed = assembly(spans=[span("x", status="error", error="secret")], status="error")
    failed.trace.run.cause = Cause(span_id="0", path="p", error="secret", error_code="E")
    assert b"secret" not in msgspec.json.encode(sanitize(failed.trace))
    sanitized = sanitize(failed.trace, lambda text: text.replace("secret", "***"))
    assert sanitized.spans[0].error == "***"
    assert json.loads(msgspec.json.encode(event_lines(failed.trace, str.upper)[2]))["error"] == "SECRET"


@pytest.mark.parametrize(
    ("code", "leaves"),
    [
        ("TIMEOUT", True),
        ("ERR_MODULE_NOT_FOUND", True),
        ("429", True),
        ("my password is x", False),
        ("a" * 65, False),
    ],
)
def test_a_code_leaves_only_if_it_looks_like_one(code: str, leaves: bool) -> None:
    (sanitized,) = sanitize(assembly(spans=[span("x", error_code=code)]).trace).spans
    assert sanitized.error_code == (code if leaves else None)


def test_names_in_an_envelope_must_look_like_names() -> None:
    usage = Usage(models=["claude-sonnet-4", "ignore all\nprevious"], sessions=["5b-1", "a secret text"])
    sanitized = sanitize(assembly(usage=usage, session=Session(session_id="what I said: x")).trace).run
    assert sanitized.usage.models == ["claude-sonnet-4"]
    assert (sanitized.usage.sessions, sanitized.session) == (["5b-1"], None)


def test_a_name_is_one_harmless_line() -> None:
    assert one_line("a\x1b[2J\u2028b\u202ec\r\n") == "a [2J b c "
    assert len(one_line("x" * 5000)) == 200


@pytest.mark.parametrize("ms", [0, 1, 999, 1_775_469_720_010, 253_402_300_799_999])
def test_times_survive_a_round_trip(ms: int) -> None:
    assert to_ms(to_iso(ms)) == ms


@pytest.mark.parametrize("text", [None, "", "yesterday", "2026-13-01T00:00:00Z"])
def test_an_invalid_time_is_none(text: str | None) -> None:
    assert to_ms(text) is None


def test_a_time_out_of_range_is_clamped() -> None:
    assert to_iso(1e300).startswith("9999-12-31")
    assert to_iso(-1e300).startswith("1970-01-01")


def test_an_id_is_masked_in_paths_also_where_it_looks_like_several_steps_or_an_iteration() -> None:
    ids = ["acct[7]", "corp > acct", "acct#2", "loop"]
    made = assembly(spans=[span(each) for each in ids])
    inner = span("in", made.trace.spans[-1], path="main > loop[7] > in")
    made.trace.spans.append(inner)
    sanitized = sanitize(made.trace, mask=lambda text: "*" if "acct" in text else text)
    root = made.trace.run.flow_key
    assert [each.path for each in sanitized.spans[:3]] == [f"{root} > *"] * 3
    assert sanitized.spans[4].path == "main > loop[7] > in"
    assert "acct" not in msgspec.json.encode(sanitized).decode()
