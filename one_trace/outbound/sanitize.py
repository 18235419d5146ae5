"""The one choke point: the parts of a trace that may leave this machine.

Everything that is sent, or printed for sending, is made from a `SanitizedTrace`, and only this module makes
one. Its structs have no field for an input, an output, a path of the file system or a command, so no sink can
send one by mistake. Error codes, model names and session ids must look like what they are, or they stay here.
Error text leaves only through the caller's function that redacts it (``traces.errors = full``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, Literal, TypeVar

from msgspec import Struct
from msgspec.structs import asdict

from one_trace.model.tags import is_tag
from one_trace.model.trace import (
    Branch,
    Cause,
    Counts,
    Executor,
    Exit,
    FlowDefinition,
    Location,
    ModelUsage,
    PartedUsage,
    Run,
    RunStatus,
    Session,
    Span,
    SpanStatus,
    Trace,
    Usage,
)
from one_trace.outbound.definition import SanitizedDefinition, sanitized_definition
from one_trace.outbound.names import Redact, as_it_is, one_line, path_mask, static_path

S = TypeVar("S", bound=Struct)
_Values = Callable[[object], tuple[Any, ...]]
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,63}\Z|[0-9]{1,9}\Z")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@+\[\]-]{0,99}\Z")
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}\Z")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})\Z")
_MOST_LINKS = 100
_ERROR_CHARACTERS = 4096


class SanitizedSpan(Struct, kw_only=True, frozen=True):
    """A span as it may leave. Times in ms or ISO 8601 UTC, sizes in bytes."""

    span_id: str
    parent_span_id: str | None
    step_id: str
    name: str
    type: str
    flow_key: str
    path: str
    iteration: int | None
    branch: Branch | None
    index: int | None
    parent_attempt: int | None
    attempts: int
    retries: int
    status: SpanStatus
    started_at: str
    start_ms: float
    duration_ms: float | None
    input_bytes: int | None
    output_bytes: int | None
    error_code: str | None
    late: bool
    derived: list[str]
    usage: Usage | None
    error: str | None
    """Redacted, and None unless ``traces.errors = full``."""


class Link(Struct, kw_only=True, frozen=True):
    """A span of another trace: that of the caller (`kind` caller), or the root of the traced run that
    started this one (parent) or that this one started (child).
    """

    trace_id: str
    span_id: str
    flags: int
    kind: Literal["caller", "parent", "child"]


class SanitizedCause(Struct, kw_only=True, frozen=True):
    """Why a run failed, as it may leave: without the error's text. No sink sends `at`, the place in a file of
    the project: it is for texts that stand beside that file, in a pull request or a CI job."""

    span_id: str | None
    path: str
    step_id: str | None
    error_code: str | None
    error_class: str | None
    at: Location | None
    attempts: int
    still_running: list[str]
    never_ran: list[str]
    derived: list[str]


class SanitizedRun(Struct, kw_only=True, frozen=True):
    """A run as it may leave: without the folder it ran in, and without its inputs."""

    run_id: str
    trace_id: str
    flow_key: str
    status: RunStatus
    started_at: str
    ended_at: str | None
    duration_ms: float | None
    executor: Executor
    exit: Exit | None
    input_bytes: int | None
    counts: Counts
    usage: Usage | None
    session: Session | None
    parent_run_id: str | None
    tags: dict[str, str]
    cause: SanitizedCause | None
    damaged: bool
    """Whether the record, and so the trace, is incomplete."""
    links: list[Link]
    parent: Link | None
    """The caller's span, where the run is to be sent as its child."""
    resource: dict[str, str | int]
    """Attributes of the resource in OpenTelemetry's sense, besides those of the executor."""
    revision: int | None
    definition: SanitizedDefinition | None


class SanitizedTrace(Struct, kw_only=True, frozen=True):
    run: SanitizedRun
    spans: list[SanitizedSpan]


class OtlpFacts(Struct, kw_only=True, frozen=True):
    """What OpenTelemetry's sink is given besides the trace."""

    resource: Mapping[str, str | int] = {}
    revision: int | None = None
    """Greater each time the run is sent with other content."""
    definition: FlowDefinition | None = None
    model_parts: Mapping[str, dict[str, ModelUsage]] = {}
    """As in `Assembly`."""
    contexts: Mapping[str, str] | None = None
    """W3C trace contexts of the runs that this one is linked to, by their own trace ids. Not None: this run
    and those are sent as children of their callers."""


NO_FACTS = OtlpFacts()


def sanitize(
    trace: Trace,
    redact: Redact | None = None,
    *,
    mask: Redact = as_it_is,
    traceparent: str | None = None,
    parent_trace_id: str | None = None,
    child_trace_ids: Sequence[str] = (),
    facts: OtlpFacts = NO_FACTS,
) -> SanitizedTrace:
    """`trace` as it may leave, with error text only if there is a function to redact it.

    `mask` replaces what the user does not want to leave, in every name, id and error text. `traceparent`
    (W3C) and `parent_trace_id` are those of the caller, if known; `child_trace_ids` those of the runs that it
    started.
    """
    caller = _caller(traceparent)
    links = list(_links(caller, parent_trace_id, child_trace_ids, facts.contexts))
    path = path_mask(trace, mask)
    spans = [_span(span, redact, mask, path, facts.model_parts.get(span.span_id)) for span in trace.spans]
    parent = caller if facts.contexts is not None else None
    return SanitizedTrace(run=_run(trace.run, links, parent, facts, mask, path), spans=spans)


def root_span_id(trace_id: str) -> str:
    """The span id of the run itself, which is no span of the trace document: half of its trace id."""
    return trace_id[16:]


def _caller(traceparent: str | None) -> Link | None:
    found = _TRACEPARENT.match(traceparent or "")
    return found and Link(trace_id=found[1], span_id=found[2], flags=int(found[3], 16), kind="caller")


def _links(
    caller: Link | None,
    parent_trace_id: str | None,
    child_trace_ids: Sequence[str],
    contexts: Mapping[str, str] | None,
) -> Iterator[Link]:
    """OpenTelemetry links a span to its cause in another trace; the trace id comes from the run alone, unless
    it is sent as a child of its caller's span."""
    if caller and contexts is None:
        yield caller
    if parent_trace_id:
        yield _link(parent_trace_id, "parent", contexts or {})
    for child in child_trace_ids[:_MOST_LINKS]:
        yield _link(child, "child", contexts or {})


def _link(trace_id: str, kind: Literal["parent", "child"], contexts: Mapping[str, str]) -> Link:
    caller = _caller(contexts.get(trace_id))
    sent = caller.trace_id if caller else trace_id
    return Link(trace_id=sent, span_id=root_span_id(trace_id), flags=1, kind=kind)


def _run(
    run: Run, links: list[Link], parent: Link | None, facts: OtlpFacts, mask: Redact, path: Redact
) -> SanitizedRun:
    return _copy(
        run,
        SanitizedRun,
        run_id=mask(run.run_id),
        flow_key=one_line(mask(run.flow_key)),
        executor=Executor(name=run.executor.name, version=_matching(_IDENTIFIER, run.executor.version)),
        exit=_exit(run.exit) if run.exit else None,
        usage=_usage(run.usage, mask),
        session=_session(run.session, mask),
        parent_run_id=_masked(_IDENTIFIER, run.parent_run_id, mask),
        tags=_tags(run.tags, mask),
        cause=_cause(run.cause, mask, path) if run.cause else None,
        damaged=bool(run.partial),
        links=links,
        parent=parent,
        resource=dict(facts.resource),
        revision=facts.revision,
        definition=sanitized_definition(facts.definition, mask) if facts.definition else None,
    )


def _exit(of_process: Exit) -> Exit:
    signal = _matching(_CODE, of_process.signal)
    return Exit(code=of_process.code, signal=signal, duration_ms=of_process.duration_ms)


def _cause(cause: Cause, mask: Redact, path: Redact) -> SanitizedCause:
    return _copy(
        cause,
        SanitizedCause,
        path=path(cause.path),
        step_id=None if cause.step_id is None else mask(cause.step_id),
        error_code=_masked(_CODE, cause.error_code, mask),
        error_class=_masked(_CODE, cause.error_class, mask),
        at=_place(cause.at, mask) if cause.at else None,
        still_running=list(map(path, cause.still_running)),
        never_ran=[static_path(each, mask) for each in cause.never_ran],
    )


def _span(
    span: Span, redact: Redact | None, mask: Redact, path: Redact, parts: dict[str, ModelUsage] | None
) -> SanitizedSpan:
    return _copy(
        span,
        SanitizedSpan,
        step_id=mask(span.step_id),
        name=one_line(mask(span.name)),
        type=one_line(mask(span.type)),
        flow_key=one_line(mask(span.flow_key)),
        path=path(span.path),
        error_code=_masked(_CODE, span.error_code, mask),
        usage=_usage(span.usage, mask, parts),
        error=mask(redact(span.error))[:_ERROR_CHARACTERS] if redact and span.error else None,
    )


def _tags(tags: dict[str, str], mask: Redact) -> dict[str, str]:
    kept = {key: value for key, value in tags.items() if is_tag(key, value) and mask(key) == key}
    return {key: one_line(mask(value)) for key, value in kept.items()}


def _place(at: Location, mask: Redact) -> Location:
    """A place whose file is masked as the names in it are."""
    file, pointer = ("/".join(map(mask, text.split("/"))) for text in (at.file, at.pointer))
    return Location(file=file, pointer=pointer, line=at.line)


def _copy(source: Run | Span | Cause, kind: type[S], **cleaned: object) -> S:
    """A `kind` with the fields of `source` that it declares, and with the `cleaned` ones in their place."""
    names, values = _copied(kind, frozenset(cleaned))
    return kind(**dict(zip(names, values(source), strict=True)), **cleaned)


@lru_cache(maxsize=16)
def _copied(kind: type[Struct], cleaned: frozenset[str]) -> tuple[list[str], _Values]:
    """The fields of a `kind` that are copied, and what gives their values."""
    names = [name for name in kind.__struct_fields__ if name not in cleaned]
    return names, attrgetter(*names)


def _usage(usage: Usage | None, mask: Redact, parts: dict[str, ModelUsage] | None = None) -> Usage | None:
    if usage is None:
        return None
    plain = Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cost_usd=usage.cost_usd,
        turns=usage.turns,
        models=[mask(model) for model in usage.models if _MODEL.match(model)],
        sessions=[mask(session) for session in usage.sessions if _IDENTIFIER.match(session)],
    )
    if not parts:
        return plain
    per_model = {mask(model): used for model, used in parts.items() if _MODEL.match(model)}
    return PartedUsage(**asdict(plain), per_model=per_model)


def _session(session: Session | None, mask: Redact) -> Session | None:
    if session is None:
        return None
    agent = _masked(_IDENTIFIER, session.agent, mask)
    session_id = _masked(_IDENTIFIER, session.session_id, mask)
    if session_id is None and (agent is None or session.session_id is not None):
        return None
    return Session(agent=agent, session_id=session_id)


def _masked(shape: re.Pattern[str], text: str | None, mask: Redact) -> str | None:
    found = _matching(shape, text)
    return None if found is None else mask(found)


def _matching(shape: re.Pattern[str], text: str | None) -> str | None:
    return text if text is not None and shape.match(text) else None
