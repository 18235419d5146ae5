"""A run as the messages of a traces.com trace: the request, the names of its steps, a call and its result for
each step, a summary. What is not a call is text: the client's default search looks into nothing else, and
readers drop events of the system.

Message ids are made from span ids, so that sending a run twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from one_trace.deliver.condense import CONDENSE_OVER, Condensed, Fold, condense
from one_trace.deliver.phrases import counted, listed, size
from one_trace.deliver.step_names import step_names
from one_trace.deliver.summary import fold_line, summary
from one_trace.model.times import to_ms
from one_trace.model.trace import Usage
from one_trace.model.tree import walk
from one_trace.outbound.events import last_line
from one_trace.outbound.names import one_line
from one_trace.outbound.payload import Payload
from one_trace.outbound.sanitize import SanitizedRun, SanitizedSpan, SanitizedTrace


class TokenUsage(Struct, rename="camel"):
    input_token_count: int
    output_token_count: int
    cache_read_token_count: int
    cache_write_token_count: int
    total_input_token_count: int


class Part(Struct):
    type: Literal["text", "tool_call", "tool_result"]
    content: dict[str, Any]


class Message(Struct, rename="camel", kw_only=True):
    external_id: str
    role: Literal["user", "assistant"]
    order: int = 0
    timestamp: int
    text_content: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    token_usage: TokenUsage | UnsetType = UNSET
    parts: list[Part]


def messages(payload: Payload) -> list[Message]:
    """The messages of a run in time order, numbered from 1."""
    sanitized = payload.sanitized
    long = len(sanitized.spans) > CONDENSE_OVER
    condensed = condense(sanitized.spans) if long else Condensed(sanitized.spans, [])
    steps = sorted(_steps(sanitized.run, condensed), key=lambda message: message.timestamp)
    numbered = [_request(payload), *_names(sanitized), *steps, _summary(sanitized, condensed.folds, steps)]
    for order, message in enumerate(numbered, 1):
        message.order = order
    return numbered


def token_usage(usage: Usage | None) -> TokenUsage | UnsetType:
    if usage is None:
        return UNSET
    taken = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    return TokenUsage(
        usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens, taken
    )


def _request(payload: Payload) -> Message:
    run = payload.sanitized.run
    parts = [] if payload.input_count is None else [counted(payload.input_count, "input")]
    parts += [] if run.input_bytes is None else [size(run.input_bytes)]
    given = f" ({', '.join(parts)})" if parts else ""
    return _text("run-start", "user", to_ms(run.started_at) or 0, f"one flow execute {run.flow_key}{given}")


def _names(sanitized: SanitizedTrace) -> Iterator[Message]:
    """At the beginning: for some patterns, the search reads only the first fifty texts of a trace."""
    started = to_ms(sanitized.run.started_at) or 0
    for number, text in enumerate(step_names(sanitized.spans), 1):
        yield _text(f"run-steps-{number}", "assistant", started, text)


def _summary(sanitized: SanitizedTrace, folds: list[Fold], steps: list[Message]) -> Message:
    run = sanitized.run
    ended = to_ms(run.ended_at or run.started_at) or 0
    latest = max([ended, *(message.timestamp for message in steps[-1:])])
    message = _text("run-end", "assistant", latest, summary(sanitized, folds))
    if run.usage and run.usage.models:
        message.model = run.usage.models[0]
    return message


def _text(external_id: str, role: Literal["user", "assistant"], timestamp: int, text: str) -> Message:
    return Message(
        external_id=external_id,
        role=role,
        timestamp=timestamp,
        text_content=text,
        parts=[Part("text", {"text": text})],
    )


def _steps(run: SanitizedRun, condensed: Condensed) -> Iterator[Message]:
    """Calls and results, depth first: sorted by time, those of one millisecond keep their nesting."""
    folds: dict[str, list[Fold]] = {}
    for each in condensed.folds:
        folds.setdefault(each.parent.span_id, []).append(each)
    for span, left in walk(condensed.spans):
        if left:
            yield from map(_fold, folds.get(span.span_id, []))
            yield _result(run, span)
        else:
            yield _call(span)
            if span.retries:
                yield _retries(span)


def _tool(span: SanitizedSpan) -> dict[str, Any]:
    return {"callId": span.span_id, "toolName": f"{span.type}: {span.step_id}"}


def _call(span: SanitizedSpan) -> Message:
    optional = {"iteration": span.iteration, "branch": span.branch, "inputSize": span.input_bytes}
    args: dict[str, Any] = {"path": span.path, "name": span.name}
    args |= {name: value for name, value in optional.items() if value is not None}
    return Message(
        external_id=f"{span.span_id}-call",
        role="assistant",
        timestamp=to_ms(span.started_at) or 0,
        parts=[Part("tool_call", _tool(span) | {"args": args})],
    )


def _result(run: SanitizedRun, span: SanitizedSpan) -> Message:
    started = to_ms(span.started_at) or 0
    ended = started if span.duration_ms is None else started + round(span.duration_ms)
    result = _tool(span) | {
        "output": msgspec.json.encode(last_line(run, span)).decode(),
        "status": "error" if span.status in ("error", "timeout", "incomplete") else "success",
        "startedAt": started,
    }
    if span.duration_ms is not None:
        result |= {"completedAt": ended, "durationMs": span.duration_ms}
    return Message(
        external_id=f"{span.span_id}-result",
        role="assistant",
        timestamp=ended,
        token_usage=token_usage(span.usage),
        parts=[Part("tool_result", result)],
    )


def _retries(span: SanitizedSpan) -> Message:
    tries = f"{one_line(span.step_id)} ({span.type}) took {counted(span.attempts, 'attempt')}"
    return _text(
        f"{span.span_id}-retries",
        "assistant",
        to_ms(span.started_at) or 0,
        f"Retried: {tries}. {one_line(span.path)}",
    )


def _fold(fold: Fold) -> Message:
    return _text(
        f"{fold.first.span_id}-folded",
        "assistant",
        to_ms(fold.first.started_at) or 0,
        f"{fold_line(fold)} {counted(fold.spans, 'step')}: {listed(list(map(one_line, fold.steps)))}.",
    )
