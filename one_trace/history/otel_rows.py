"""Spans as a collector's exporter has written them, made into a run and its trace document again.

The way back of `outbound.otel`: `one trace help attributes` has the table. Values are text, as exporters to
databases write them: ``true``, decimal numbers, JSON. What is not sent stays null; `partial` says that the
record was incomplete, and how many spans have not arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from one_trace.history.otel_texts import Texts, integer, known_or, ms, needed, number, split, word
from one_trace.model.arrivals import not_arrived
from one_trace.model.times import to_iso
from one_trace.model.trace import (
    RUN_STATUSES,
    SPAN_STATUSES,
    Cause,
    Counts,
    Executor,
    Exit,
    ModelUsage,
    PartedUsage,
    PlannedStep,
    Run,
    Session,
    Span,
    Trace,
    Usage,
)

DAMAGED = "the record of this run is incomplete: steps may be missing"
NO_RUN = "the run itself has not arrived, only steps of it"
_TAG = "one.tag."
_TOKENS = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cache_read_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_write_tokens": "gen_ai.usage.cache_creation.input_tokens",
}
_TOTALS = {name: f"one.usage.{name}" for name in _TOKENS}
_by_model = msgspec.json.Decoder(dict[str, ModelUsage])
_plan = msgspec.json.Decoder(list[PlannedStep])


class OtelRow(NamedTuple):
    """A span as it was received: ids in hex (`parent_span_id` empty for none), times in ns since 1970."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    start_ns: int
    duration_ns: int
    status_code: str
    status_message: str
    resource: Texts
    attributes: Texts

    @property
    def revision(self) -> int:
        return integer(self.resource, "one.run.revision") or 0

    @property
    def is_run(self) -> bool:
        return "one.run.status" in self.attributes


def trace_of(rows: Iterable[OtelRow]) -> Trace:
    """The trace document of one run, of which all spans of its last revision are taken once. Raises
    ValueError if there is none, or a value of one makes no sense."""
    latest = _latest(rows)
    root = next((row for row in latest if row.is_run), None)
    steps = {row.span_id: row for row in latest if row.attributes.get("one.step.status")}
    if root is None and not steps:
        raise ValueError("no span of a run")
    ordered = sorted(steps.values(), key=lambda row: integer(row.attributes, "one.step.seq") or 0)
    spans = [span_of(row, has_parent=row.parent_span_id in steps) for row in ordered]
    run = (
        _run_without_root(ordered[0])
        if root is None
        else run_of(root.resource, root.attributes, root.start_ns, root.duration_ns, root.trace_id)
    )
    missing = run.counts.spans - len(spans)
    if root is not None and missing > 0:
        run.partial = [*(run.partial or []), not_arrived(missing, run.counts.spans)]
    _explain(run, spans)
    return Trace(run=run, spans=spans)


def planned_of(attributes: Texts) -> dict[str, PlannedStep]:
    """The steps of the flow by static path, of the attributes of a run; none where they were not sent."""
    text = attributes.get("one.flow.plan")
    return {step.path: step for step in _plan.decode(text)} if text else {}


def _latest(rows: Iterable[OtelRow]) -> list[OtelRow]:
    every = list(rows)
    last = max((row.revision for row in every), default=0)
    return [row for row in every if row.revision == last]


def _explain(run: Run, spans: Iterable[Span]) -> None:
    """Give the cause of a failed run the text of its span, if error texts were sent."""
    cause = run.cause or None
    if cause is not None and cause.span_id is not None:
        cause.error = next((span.error for span in spans if span.span_id == cause.span_id), None)


def run_of(resource: Texts, attributes: Texts, start_ns: int, duration_ns: int, trace_id: str) -> Run:
    """The run of its own span. Raises ValueError if a value of it makes no sense."""
    started_ms = integer(resource, "one.run.started_ms")
    run = Run(
        run_id=needed(resource, "cicd.pipeline.run.id"),
        trace_id=resource.get("one.run.trace_id") or trace_id,
        flow_key=needed(resource, "cicd.pipeline.name"),
        status=word(needed(attributes, "one.run.status"), RUN_STATUSES),
        started_at=known_or(attributes.get("one.run.started_at"), to_iso(started_ms or 0)),
        ended_at=attributes.get("one.run.ended_at"),
        executor=_executor(resource),
        counts=_counts(attributes),
        usage=_usage(attributes, _TOTALS),
        input_bytes=integer(attributes, "one.run.input_bytes"),
        parent_run_id=attributes.get("one.run.parent_id"),
        tags={key.removeprefix(_TAG): text for key, text in attributes.items() if key.startswith(_TAG)},
    )
    run.duration_ms = _duration(attributes, "one.run", duration_ns)
    run.exit, run.session = _exit(attributes), _session(attributes)
    if "one.run.cause.path" in attributes:
        run.cause = _cause(attributes)
    if attributes.get("one.run.damaged") == "true":
        run.partial = [DAMAGED]
    return run


def _run_without_root(step: OtelRow) -> Run:
    """What a step tells of its run."""
    resource = step.resource
    return Run(
        run_id=needed(resource, "cicd.pipeline.run.id"),
        trace_id=resource.get("one.run.trace_id") or step.trace_id,
        flow_key=needed(resource, "cicd.pipeline.name"),
        status="incomplete",
        started_at=to_iso(integer(resource, "one.run.started_ms") or 0),
        executor=_executor(resource),
        counts=Counts(),
        partial=[NO_RUN],
    )


def _executor(resource: Texts) -> Executor:
    name = resource.get("one.executor.name", "one-cli")
    return Executor(name=word(name, ("one-cli", "built-in")), version=resource.get("one.executor.version"))


def _counts(attributes: Texts) -> Counts:
    return Counts(
        spans=integer(attributes, "one.run.steps") or 0,
        retries=integer(attributes, "one.run.retries") or 0,
        **{status: integer(attributes, f"one.run.count.{status}") or 0 for status in SPAN_STATUSES},
    )


def _exit(attributes: Texts) -> Exit | None:
    found = Exit(
        code=integer(attributes, "one.run.exit_code"),
        signal=attributes.get("one.run.exit_signal"),
        duration_ms=integer(attributes, "one.run.exit_ms"),
    )
    return None if found == Exit() else found


def _session(attributes: Texts) -> Session | None:
    found = Session(agent=attributes.get("one.session.agent"), session_id=attributes.get("session.id"))
    return None if found == Session() else found


def _cause(attributes: Texts) -> Cause:
    own = {
        key.removeprefix("one.run.cause."): text
        for key, text in attributes.items()
        if key.startswith("one.run.cause.")
    }
    return Cause(
        span_id=own.get("span_id"),
        path=needed(own, "path"),
        step_id=own.get("step_id"),
        error_code=own.get("error_code"),
        error_class=own.get("class"),
        attempts=known_or(integer(own, "attempts"), 1),
        still_running=split(own, "still_running", "\n"),
        never_ran=split(own, "never_ran", "\n"),
        derived=split(own, "derived", ","),
    )


def span_of(row: OtelRow, *, has_parent: bool) -> Span:
    """The span of a step; without a parent it stands at the top. Raises ValueError if a value of it makes no
    sense."""
    given = row.attributes
    began_ms = integer(row.resource, "one.run.started_ms") or 0
    start_ms = known_or(number(given, "one.step.start_ms"), ms(row.start_ns - began_ms * 1_000_000))
    attempts = known_or(integer(given, "one.step.attempts"), 1)
    # A call with more than fifteen keywords takes five times as long: see `store.rows`.
    span = Span(
        span_id=row.span_id,
        parent_span_id=row.parent_span_id if has_parent else None,
        step_id=needed(given, "one.step.id"),
        name=needed(given, "cicd.pipeline.task.name"),
        type=needed(given, "one.step.type"),
        flow_key=given.get("one.flow.key", needed(row.resource, "cicd.pipeline.name")),
        path=needed(given, "one.step.path"),
        status=word(needed(given, "one.step.status"), SPAN_STATUSES),
        started_at=known_or(given.get("one.step.started_at"), to_iso(began_ms + start_ms)),
        start_ms=start_ms,
        duration_ms=_duration(given, "one.step", row.duration_ns),
        attempts=attempts,
        retries=known_or(integer(given, "one.step.retries"), attempts - 1),
        error=row.status_message or None,
    )
    branch = given.get("one.step.branch")
    span.branch = None if branch is None else word(branch, ("then", "else"))
    span.iteration = integer(given, "one.step.iteration")
    span.index = integer(given, "one.step.index")
    span.parent_attempt = integer(given, "one.step.parent_attempt")
    span.input_bytes = integer(given, "one.step.input_bytes")
    span.output_bytes = integer(given, "one.step.output_bytes")
    span.error_code = given.get("one.step.error_code")
    span.late = given.get("one.step.late") == "true"
    span.derived = split(given, "one.step.derived", ",")
    span.usage = usage_of(given)
    return span


def usage_of(attributes: Texts) -> Usage | None:
    """What the LLM calls of a step used; None if it made none."""
    usage = _usage(attributes, _TOKENS)
    if usage is not None:
        usage.input_tokens -= usage.cache_read_tokens + usage.cache_write_tokens
    return usage


def parted_usage_of(attributes: Texts) -> PartedUsage | None:
    """The same, with what each of several models used."""
    usage = usage_of(attributes)
    text = attributes.get("one.usage.by_model")
    parts = _by_model.decode(text) if text else {}
    return PartedUsage(**msgspec.structs.asdict(usage), per_model=parts) if usage is not None else None


def _usage(attributes: Texts, tokens: Mapping[str, str]) -> Usage | None:
    if tokens["input_tokens"] not in attributes:
        return None
    cost = attributes.get("one.usage.cost_usd")
    return Usage(
        **{name: integer(attributes, key) or 0 for name, key in tokens.items()},
        cost_usd=None if cost is None else float(cost),
        turns=integer(attributes, "one.usage.turns") or 0,
        models=split(attributes, "one.usage.models", ","),
        sessions=split(attributes, "one.usage.sessions", ","),
    )


def _duration(attributes: Texts, of: str, duration_ns: int) -> float | None:
    if attributes.get(f"{of}.timed") == "false":
        return None
    return known_or(number(attributes, f"{of}.duration_ms"), ms(duration_ns))
