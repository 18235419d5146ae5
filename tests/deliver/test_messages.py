from __future__ import annotations

import json

import msgspec
import pytest
from made import START_MS, USAGE, assembly, loop, span

from one_trace.deliver.condense import condense
from one_trace.deliver.messages import Message, messages
from one_trace.deliver.step_names import step_names
from one_trace.deliver.summary import title
from one_trace.model.trace import Assembly, Cause, Span
from one_trace.outbound.payload import Payload, Project
from one_trace.outbound.sanitize import sanitize


def sent(made: Assembly) -> list[dict]:
    payload = Payload(
        sanitized=sanitize(made.trace),
        project=Project(),
        visibility="private",
        input_count=made.input_count,
    )
    return json.loads(msgspec.json.encode(messages(payload)))


def kinds(found: list[dict]) -> list[str]:
    return [message["parts"][0]["type"] for message in found]


def text(made: Assembly) -> str:
    return sent(made)[-1]["textContent"]


def test_messages_go_from_request_to_summary() -> None:
    found = sent(
        assembly(spans=[span("first"), span("second", start_ms=10.0, status="error", error="secret")])
    )
    assert kinds(found) == ["text", "text", "tool_call", "tool_result", "tool_call", "tool_result", "text"]
    assert [message["role"] for message in found] == ["user", *["assistant"] * 6]
    assert found[0]["textContent"] == "one flow execute my-flow (2 inputs, 2 B)"
    assert [message["order"] for message in found] == [1, 2, 3, 4, 5, 6, 7]
    assert found[1]["textContent"] == "Steps:\nfirst: First\nsecond: Second"
    call, result = (found[4]["parts"][0]["content"], found[5]["parts"][0]["content"])
    assert (call["toolName"], call["callId"]) == ("transform: second", result["callId"])
    assert call["args"] == {"path": "my-flow > second", "name": "Second"}
    assert (result["status"], result["durationMs"], result["completedAt"]) == ("error", 10, START_MS + 20)
    line = json.loads(result["output"])
    assert (line["event"], line["stepId"], line["status"], line["path"]) == (
        "step:error",
        "second",
        "error",
        "my-flow > second",
    )
    assert "secret" not in json.dumps(found)


def test_messages_of_one_millisecond_keep_their_nesting() -> None:
    outer = span("outer", duration_ms=0.0)
    inner = span("inner", outer, duration_ms=0.0)
    names = [
        (message["parts"][0]["type"], message["externalId"][:16])
        for message in sent(assembly(spans=[outer, inner, span("next", duration_ms=0.0)]))[2:-1]
    ]
    assert names[:4] == [
        ("tool_call", outer.span_id),
        ("tool_call", inner.span_id),
        ("tool_result", inner.span_id),
        ("tool_result", outer.span_id),
    ]


def test_message_ids_are_stable_and_unique() -> None:
    made = assembly(spans=[span("x", retries=2, attempts=3)])
    ids = [message["externalId"] for message in sent(made)]
    assert ids == [message["externalId"] for message in sent(made)]
    assert len(set(ids)) == len(ids) == 6


def test_retries_and_tokens_are_sent() -> None:
    found = sent(assembly(spans=[span("llm", retries=2, attempts=3, usage=USAGE)], usage=USAGE))
    assert found[3]["textContent"] == "Retried: llm (transform) took 3 attempts. my-flow > llm"
    assert found[4]["tokenUsage"]["inputTokenCount"] == 10
    assert found[-1]["model"] == "claude-sonnet-4"


@pytest.mark.parametrize(
    ("status", "expected"),
    [("success", "success"), ("skipped", "success"), ("timeout", "error"), ("incomplete", "error")],
)
def test_every_call_has_a_result(status: str, expected: str) -> None:
    duration = None if status in ("skipped", "incomplete") else 10.0
    found = sent(assembly(spans=[span("x", status=status, duration_ms=duration)]))
    content = found[3]["parts"][0]["content"]
    assert content["status"] == expected
    assert ("completedAt" in content) == (duration is not None)


def test_the_summary_reports_outcome_failure_times_and_cost() -> None:
    block = span("gather", type="parallel", duration_ms=5000.0)
    spans = [
        block,
        span("news", block, duration_ms=1200.0),
        span("weather", block, status="timeout", duration_ms=5000.0),
        span(
            "research",
            status="error",
            duration_ms=120_000.0,
            attempts=3,
            retries=2,
            error_code="ETIMEDOUT",
            type="bash",
        ),
        span("notify", status="skipped", duration_ms=None),
    ]
    made = assembly(
        spans=spans,
        status="error",
        duration_ms=124_000.0,
        usage=USAGE,
        cause=Cause(span_id=spans[3].span_id, path=spans[3].path, error="hush"),
    )
    assert text(made).split("\n") == [
        "my-flow failed after 2m 4s. 5 steps: 2 succeeded, 1 failed, 1 timed out, 1 skipped.",
        "Failed: my-flow > research (bash, ETIMEDOUT, after 3 attempts).",
        "Slowest: research 2m 0s, weather 5.0s and news 1.2s.",
        "Parallel gather: completed: news (1.2s); timed out: weather (5.0s).",
        "Skipped: notify.",
        "Retried: research (2 times).",
        "LLM: 13 tokens in, 5 out, $0.2500, claude-sonnet-4.",
        "LLM sessions: s-1.",
    ]
    assert title(sanitize(made.trace)) == "my-flow · error · 2m 4s · 5 steps"


def test_control_characters_in_names_are_removed() -> None:
    made = assembly(spans=[span("\x1b[31mred\nline", status="skipped", duration_ms=None)])
    assert text(made).split("\n")[1] == "Skipped:  [31mred line."


def long_loop(count: int, odd: Span | None = None) -> Assembly:
    made = loop(count)
    made.trace.spans[100].status = "error"
    made.trace.spans[1500].duration_ms = 50_000.0
    return made


def test_a_long_run_is_condensed() -> None:
    made = long_loop(2500)
    found = sent(made)
    shown = [message["externalId"] for message in found]
    assert len(found) < 30
    for number in (1, 100, 1500):
        assert f"{made.trace.spans[number].span_id}-result" in shown, "first, failed and slowest stay whole"
    alike = "Folded: 2,496 iterations of each that went alike (1ms to 1ms, median 1ms)"
    (folded,) = [message for message in found if message["externalId"].endswith("-folded")]
    assert folded["textContent"] == f"{alike}. 2,496 steps: step."
    assert f"{alike}; the first, the slowest" in found[-1]["textContent"]


def test_a_run_of_2000_spans_is_not_condensed() -> None:
    assert len(sent(loop(1999))) == 2 * 2000 + 3


def test_each_step_is_named_once_in_texts_of_a_bounded_size() -> None:
    spans = [span(f"s{number}", name=f"{number} " + "n" * 190) for number in range(700)]
    spans += [span("same", name="same"), span("same", name="same"), span("odd\n\x1b[2J", name="")]
    texts = [each["textContent"] for each in sent(assembly(spans=spans)) if "-steps-" in each["externalId"]]
    lines = [line for text in texts for line in text.split("\n")]
    assert max(map(len, texts)) <= 60_000
    assert (len(texts), len(lines)) == (3, 3 + 702)
    assert lines[-2:] == ["same", "odd [2J"]
    many = list(step_names(sanitize(assembly(spans=[span(f"s{n}") for n in range(10_002)]).trace).spans))
    assert many[-1].endswith("\nand 2 more steps")


def test_nested_loops_fold_at_the_outermost_level() -> None:
    outer = span("outer", type="loop", duration_ms=1e4)
    spans = [outer]
    for i in range(20):
        call = span("call", outer, iteration=i, start_ms=i * 10.0, type="loop")
        spans += [
            call,
            *(span("deep", call, iteration=k, start_ms=i * 10.0 + k, duration_ms=1.0) for k in range(10)),
        ]
    folded = condense(sanitize(assembly(spans=spans).trace).spans)
    at_outer = [each for each in folded.folds if each.parent.step_id == "outer"]
    assert [(len(each.numbers), each.spans) for each in at_outer] == [(17, 17 * 11)]
    assert {each.parent.step_id for each in folded.folds} == {"outer", "call"}
    assert len(folded.spans) + sum(each.spans for each in folded.folds) == len(spans)


def test_the_fields_of_a_message_are_those_of_the_service() -> None:
    """Names of fields as on the wire: a misspelt one would be dropped silently."""
    assert set(Message.__struct_encode_fields__) == {
        "externalId",
        "role",
        "order",
        "timestamp",
        "textContent",
        "model",
        "tokenUsage",
        "parts",
    }
