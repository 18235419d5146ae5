"""The attributes of a run in OpenTelemetry: on its resource, its span, and the spans of its steps.

`one trace help attributes` has the table; `history.otel_rows` reads them. None: the attribute is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from one_trace import __version__
from one_trace.model.times import to_iso, to_ms
from one_trace.model.trace import SPAN_STATUSES, Counts, Exit, PartedUsage, Usage
from one_trace.outbound.definition import SanitizedDefinition
from one_trace.outbound.sanitize import SanitizedCause, SanitizedRun, SanitizedSpan

Value = str | bool | int | float
"""Never an array: exporters to databases render them differently."""
Attributes = dict[str, Value | None]

_RESULTS = {
    "success": "success",
    "error": "failure",
    "timeout": "timeout",
    "skipped": "skip",
    "stopped": "cancellation",
    "incomplete": "error",
}
"""The conventions' results of pipelines and their tasks by our status."""
_PROVIDERS = {
    "claude": "anthropic",
    "gpt-": "openai",
    "codex": "openai",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "deepseek": "deepseek",
    "grok": "x_ai",
}
_OURS = ("one.run.", "one.flow.", "one.executor.")
_LONGEST = 16_384
"""Bytes of a list of paths and of a plan: a collector refuses, or cuts, what is much longer."""


def of_resource(run: SanitizedRun) -> Attributes:
    """The run on each of its spans. What the user's environment sets does not replace its identity."""
    given = {key: value for key, value in run.resource.items() if not key.startswith(_OURS)}
    return {
        "service.name": run.executor.name,
        "service.version": run.executor.version,
        "telemetry.sdk.name": "one-trace",
        "telemetry.sdk.language": "python",
        "telemetry.sdk.version": __version__,
        **given,
        "cicd.pipeline.name": run.flow_key,
        "cicd.pipeline.run.id": run.run_id,
        "one.run.started_ms": to_ms(run.started_at),
        "one.run.revision": run.revision,
        "one.run.trace_id": run.trace_id if run.parent else None,
        "one.flow.version": run.definition.version if run.definition else None,
        "one.executor.name": run.executor.name,
        "one.executor.version": run.executor.version,
    }


def of_run(run: SanitizedRun, *, said_ms: float) -> Attributes:
    """`said_ms`: the duration that the span says."""
    failed = run.status == "error"
    started_ms = to_ms(run.started_at)
    is_started = started_ms is not None and to_iso(started_ms) == run.started_at
    return {
        "cicd.pipeline.name": run.flow_key,
        "cicd.pipeline.run.id": run.run_id,
        "cicd.pipeline.result": _RESULTS[run.status],
        "one.run.status": run.status,
        "one.run.started_at": None if is_started else run.started_at,
        "one.run.ended_at": run.ended_at,
        "one.run.timed": None if run.duration_ms is not None else False,
        "one.run.duration_ms": None if run.duration_ms in (None, said_ms) else run.duration_ms,
        **(_exit(run.exit) if run.exit else {}),
        "one.run.input_bytes": run.input_bytes,
        **_counts(run.counts),
        "one.run.damaged": True if run.damaged else None,
        "one.run.parent_id": run.parent_run_id,
        "session.id": run.session.session_id if run.session else None,
        "one.session.agent": run.session.agent if run.session else None,
        "error.type": ((run.cause and run.cause.error_code) or "_OTHER") if failed else None,
        **(_cause(run.cause) if run.cause else {}),
        **(_totals(run.usage) if run.usage else {}),
        **{f"one.tag.{key}": value for key, value in run.tags.items()},
        **(_definition(run.definition) if run.definition else {}),
    }


def _exit(of_process: Exit) -> Attributes:
    return {
        "one.run.exit_code": of_process.code,
        "one.run.exit_signal": of_process.signal,
        "one.run.exit_ms": of_process.duration_ms,
    }


def _counts(counts: Counts) -> Attributes:
    by_status = {f"one.run.count.{status}": getattr(counts, status) or None for status in SPAN_STATUSES}
    return {"one.run.steps": counts.spans, "one.run.retries": counts.retries, **by_status}


def _cause(cause: SanitizedCause) -> Attributes:
    return {
        "one.run.cause.path": cause.path,
        "one.run.cause.span_id": cause.span_id,
        "one.run.cause.step_id": cause.step_id,
        "one.run.cause.class": cause.error_class,
        "one.run.cause.error_code": cause.error_code,
        "one.run.cause.attempts": cause.attempts,
        "one.run.cause.still_running": _first_lines(cause.still_running) or None,
        "one.run.cause.never_ran": _first_lines(cause.never_ran) or None,
        "one.run.cause.derived": ",".join(cause.derived) or None,
    }


def _totals(usage: Usage) -> Attributes:
    return {
        "one.usage.input_tokens": usage.input_tokens,
        "one.usage.output_tokens": usage.output_tokens or None,
        "one.usage.cache_read_tokens": usage.cache_read_tokens or None,
        "one.usage.cache_write_tokens": usage.cache_write_tokens or None,
        **_own_usage(usage),
    }


def _own_usage(usage: Usage) -> Attributes:
    """What the conventions have no word for."""
    return {
        "one.usage.models": ",".join(usage.models) or None,
        "one.usage.sessions": ",".join(usage.sessions) or None,
        "one.usage.turns": usage.turns or None,
        "one.usage.cost_usd": usage.cost_usd,
    }


def _definition(definition: SanitizedDefinition) -> Attributes:
    plan = msgspec.json.encode(definition.plan)
    steps = "\n".join(map(_line, definition.static_paths))
    return {
        "one.flow.steps": steps if 0 < len(steps.encode("utf-8", "replace")) <= _LONGEST else None,
        "one.flow.plan": plan.decode() if definition.plan and len(plan) <= _LONGEST else None,
    }


def _first_lines(paths: Sequence[str]) -> str:
    """Paths, each on a line of its own, since an id may hold a comma: as many as are sent."""
    lines, left = [], _LONGEST
    for path in map(_line, paths):
        left -= len(path.encode("utf-8", "replace")) + 1
        if left < 0:
            break
        lines.append(path)
    return "\n".join(lines)


def _line(path: str) -> str:
    return path.replace("\n", " ")


def of_step(run: SanitizedRun, span: SanitizedSpan) -> Attributes:
    status, attempts = span.status, span.attempts
    attributes: Attributes = {
        "cicd.pipeline.task.name": span.name,
        "cicd.pipeline.task.run.id": span.span_id,
        "cicd.pipeline.task.run.result": _RESULTS[status],
        "one.flow.key": None if span.flow_key == run.flow_key else span.flow_key,
        "one.step.id": span.step_id,
        "one.step.type": span.type,
        "one.step.path": span.path,
        "one.step.status": status,
        "one.step.iteration": span.iteration,
        "one.step.branch": span.branch,
        "one.step.index": span.index,
        "one.step.parent_attempt": span.parent_attempt,
        "one.step.attempts": attempts,
        "one.step.retries": None if span.retries == attempts - 1 else span.retries,
        "one.step.timed": None if span.duration_ms is not None else False,
        "one.step.input_bytes": span.input_bytes,
        "one.step.output_bytes": span.output_bytes,
    }
    if span.late:
        attributes["one.step.late"] = True
    if span.derived:
        attributes["one.step.derived"] = ",".join(span.derived)
    if span.error_code is not None:
        attributes["one.step.error_code"] = span.error_code
    if status in ("error", "timeout"):
        attributes["error.type"] = span.error_code or ("timeout" if status == "timeout" else "_OTHER")
    return attributes if span.usage is None else attributes | _gen_ai(span.usage)


def _gen_ai(usage: Usage) -> Attributes:
    """GenAI conventions for a step that used an LLM. Their input tokens include those of the cache."""
    models = usage.models
    parts = usage.per_model if isinstance(usage, PartedUsage) else None
    return {
        "gen_ai.operation.name": "invoke_agent" if usage.turns else "chat",
        "gen_ai.provider.name": _provider(models),
        "gen_ai.response.model": models[0] if models else None,
        "gen_ai.conversation.id": usage.sessions[0] if usage.sessions else None,
        "gen_ai.usage.input_tokens": usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read_tokens or None,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_tokens or None,
        **_own_usage(usage),
        "one.usage.by_model": msgspec.json.encode(parts).decode() if parts else None,
    }


def _provider(models: Sequence[str]) -> str:
    """A required attribute. Without a model, the record does not say whose it was."""
    known = (name for model in models for part, name in _PROVIDERS.items() if part in model.lower())
    return next(known, "_OTHER")
