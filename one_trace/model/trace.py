"""The vocabulary of one-trace: a run, its spans, and what they cost.

The structs encode to the trace document (schema ``one-trace/1``): camelCase keys, times in ISO 8601
UTC with milliseconds, sizes in bytes of compact UTF-8 JSON, durations in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

SCHEMA = "one-trace/1"

SpanStatus = Literal["success", "error", "timeout", "skipped", "stopped", "incomplete"]
RunStatus = Literal["success", "error", "stopped", "incomplete"]
UploadState = Literal["sent", "queued", "failed"]
Branch = Literal["then", "else"]

SPAN_STATUSES: tuple[SpanStatus, ...] = ("success", "error", "timeout", "skipped", "stopped", "incomplete")
RUN_STATUSES: tuple[RunStatus, ...] = ("success", "error", "stopped", "incomplete")
"""The words for outcomes, the same in documents, filters, lists and headers."""
WORST_FIRST: tuple[SpanStatus, ...] = ("error", "timeout", "incomplete", "stopped", "success", "skipped")
FAILED_STATUSES = frozenset(("error", "timeout", "incomplete"))
FINE_STATUSES = frozenset(("success", "skipped"))


def worst(statuses: Iterable[str]) -> SpanStatus:
    """The worst of some statuses; skipped if there are none."""
    present = set(statuses)
    return next((status for status in WORST_FIRST if status in present), "skipped")


class ModelUsage(Struct, rename="camel", kw_only=True):
    """What one model used in a call of several models."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: float | None = None


class Usage(ModelUsage, rename="camel", kw_only=True):
    """What LLM calls used, as reported by the agents' own envelopes: numbers and names, never text."""

    turns: int = 0
    models: list[str] = []
    sessions: list[str] = []


class PartedUsage(Usage, rename="camel", kw_only=True):
    """Usage with that of each of several models: kept for `trace cost`, not part of the document."""

    per_model: dict[str, ModelUsage] = {}

    def plain(self) -> Usage:
        """The usage in the document."""
        return Usage(**{name: getattr(self, name) for name in Usage.__struct_fields__})


class Span(Struct, rename="camel", kw_only=True, gc=False):
    """One execution of one step, all its attempts included."""

    span_id: str
    parent_span_id: str | None = None
    step_id: str
    name: str
    type: str
    flow_key: str
    path: str
    iteration: int | None = None
    branch: Branch | None = None
    index: int | None = None
    parent_attempt: int | None = None
    attempts: int = 1
    retries: int = 0
    status: SpanStatus
    started_at: str
    start_ms: float
    """In ms since the run's start."""
    duration_ms: float | None = None
    input_bytes: int | None = None
    output_bytes: int | None = None
    error: str | None = None
    error_code: str | None = None
    late: bool = False
    derived: list[str] = []
    """Names of the fields (camelCase) that were derived, not read from the record."""
    usage: Usage | None = None


class Counts(Struct, rename="camel", kw_only=True):
    """The number of spans of a run, in all and by status, and of their retries."""

    spans: int = 0
    success: int = 0
    error: int = 0
    timeout: int = 0
    skipped: int = 0
    stopped: int = 0
    incomplete: int = 0
    retries: int = 0


class Executor(Struct, rename="camel", kw_only=True):
    """What ran the flow."""

    name: Literal["one-cli", "built-in"]
    version: str | None = None


class Exit(Struct, rename="camel", kw_only=True):
    """How the process of a run ended: with exit `code`, which is null if a signal ended it. `signal`
    ("SIGINT"): the one that ended it, or that told it to end before it ended without success."""

    code: int | None = None
    signal: str | None = None
    duration_ms: int | None = None
    """From the run's start to the end of the process."""


class Session(Struct, rename="camel", kw_only=True):
    """The agent, and its session, that started a flow. `sessionId` is null for an agent that does not tell
    what it starts which session it is."""

    agent: str | None = None
    session_id: str | None = None


class Upload(Struct, rename="camel", kw_only=True):
    """The delivery of a run to one sink."""

    sink: str
    state: UploadState
    url: str | None = None
    attempts: int = 0
    error: str | None = None


class Location(Struct, rename="camel", kw_only=True):
    """Where a step is defined: its flow file (relative to the project), a JSON pointer (RFC 6901), and the
    line, from 1."""

    file: str
    pointer: str
    line: int | None = None


class Cause(Struct, rename="camel", kw_only=True):
    """Why a run failed: the deepest span that threw, without the cascade above it."""

    span_id: str | None = None
    """Null if no step threw: the inputs were refused, and `path` is the flow's key."""
    path: str
    step_id: str | None = None
    error: str | None = None
    error_code: str | None = None
    error_class: str | None = field(default=None, name="class")
    """TIMEOUT, HTTP_503, EXIT_1, NETWORK, PARSE, SCRIPT, INPUT, ...; in `derived` if the host gave no
    code."""
    at: Location | None = None
    attempts: int = 1
    still_running: list[str] = []
    """Paths of the spans that were running when it threw, without its parents."""
    never_ran: list[str] = []
    """Paths of the steps that did not run because of it."""
    derived: list[str] = []
    """``path`` if the record does not show which of several equal iterations it was."""


class Run(Struct, rename="camel", kw_only=True):
    """One run of one flow, resumes included."""

    run_id: str
    trace_id: str
    flow_key: str
    status: RunStatus
    started_at: str
    ended_at: str | None = None
    duration_ms: float | None = None
    executor: Executor
    exit: Exit | UnsetType | None = None
    """Null if the run was not traced when its process ended: it was imported, or its `one` was killed."""
    cwd: str | None = None
    input_bytes: int | None = None
    counts: Counts
    usage: Usage | None = None
    session: Session | None = None
    parent_run_id: str | None = None
    tags: dict[str, str] = {}
    """The user's own names and values: see `model.tags`."""
    uploads: list[Upload] = []
    cause: Cause | UnsetType | None = UNSET
    """Only if the run failed."""
    partial: list[str] | UnsetType = UNSET
    """Only if the record is damaged or incomplete: one sentence for each reason."""
    other_events: dict[str, int] | UnsetType = UNSET
    """Only if the log has events of unknown kinds: how many of each. They affect no span and no figure."""
    other_fields: dict[str, list[str]] | UnsetType = UNSET
    """Only if known events have unknown fields: their names by the kind of event, from the first of each
    kind. Never their values."""


class RunUnderWay(Struct, rename="camel", kw_only=True):
    """A run that is still running, without its record. `durationMs` is the time so far."""

    run_id: str
    flow_key: str
    status: Literal["running"] = "running"
    started_at: str | None
    duration_ms: float | None
    cwd: str


class Filter(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """What was asked for. A document with a filter has fewer spans than the run; its figures are of the whole
    run."""

    failed: bool = False
    step: str | None = None
    depth: int | None = None


class Trace(Struct, rename="camel", kw_only=True):
    """The trace document: a run and its spans, parents before children, otherwise by start."""

    schema: str = SCHEMA
    run: Run
    spans: list[Span]
    filter: Filter | UnsetType = UNSET
    """Only if spans were left out."""


class PlannedStep(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A step as defined in the flow file: what findings about it need to know."""

    path: str
    """Static: the root flow's key and the step ids down to it, through sub-flows."""
    type: str
    flow_key: str
    """Of the flow that defines it."""
    at: Location | None = None
    """Without the line, which changes with each edit; null in plans of older versions of one-trace."""
    branch: Branch | None = None
    timeout_ms: float | None = None
    retries: int = 0
    strategy: str = "fail"
    concurrency: int = 1
    """How many iterations or children run at a time."""
    guarded: bool = False
    """It has an ``if`` or ``unless``."""
    waits: bool = False
    """It waits for something outside of the JavaScript thread: running it concurrently saves time."""
    effects: bool = True
    """It may change something outside the run."""
    reads: list[str] = []
    """Ids of the steps whose results its configuration refers to; ``*``: unknown."""
    calls: str | None = None
    """The agent's program that its command starts."""
    loses: str | None = None
    """``pipe``: the output of that program is piped to another command."""
    parts: dict[str, str] = {}
    """A hash of each part of the step's own configuration, by its place in it (``code/source``)."""
    carries: bool = False
    """A loop in which an iteration reads, or may read, results of an earlier one."""


class FlowDefinition(Struct, kw_only=True, frozen=True):
    """What is known of the definition that a run was made of: see `Assembly`."""

    version: str | None = None
    static_paths: list[str] = []
    step_timeouts: dict[str, float] = {}
    plan: list[PlannedStep] = []


class Assembly(Struct, kw_only=True):
    """The result of `one_trace.assemble`: the trace, and what only the store needs to know about it."""

    trace: Trace
    flow_version: str | None = None
    """Hash of the flow's definition; None if the flow file is missing."""
    step_timeouts: dict[str, float] = {}
    """``timeoutMs`` by static path (a span's path without ``[i]`` and ``#k``), for the steps that have one.
    """
    static_paths: list[str] = []
    """Every step of the flow file by static path, run or not, those of its sub-flows under the steps that
    call them; empty if the flow file is missing."""
    plan: list[PlannedStep] = []
    """The same steps as defined in the flow file."""
    outputs: dict[str, bytes] = {}
    """By span id: the raw JSON that the state file holds of the spans that were asked for. Never stored."""
    flow_changed: bool = False
    """The flow file has changed since the run, so the definition that ran is unknown."""
    model_parts: dict[str, dict[str, ModelUsage]] = {}
    """For calls of several models, by span id: what each model used."""
    input_count: int | None = None
    """How many inputs the run was given; None if the state is missing."""
    command_ends: dict[str, int] = {}
    """By the error text of a failed command: how many of its characters are the command itself, if known. The
    rest is what it wrote to stderr; the command is never uploaded.
    """


def encode(document: object) -> bytes:
    """Compact JSON of any of the structs above."""
    return msgspec.json.encode(document)
