"""Runs as an answer (`one-trace-list/1`): one slim row a run, newest first."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from msgspec import UNSET, Struct, UnsetType, field

from one_trace.analyse.agent_sessions import SessionRuns
from one_trace.analyse.run_refs import word_for
from one_trace.answers.bounds import MOST_ROWS, Bounds, cut_tags, cut_text, fit
from one_trace.answers.pages import decode_cursor, wrong_cursor
from one_trace.model.times import to_ms
from one_trace.model.trace import Exit, Run, RunStatus, RunUnderWay

SCHEMA = "one-trace-list/1"
WHOLE_SCHEMA = "one-trace-runs/1"
SESSIONS_SCHEMA = "one-trace-sessions/1"
_TEXT = 200
_REASONS = 2


class ShortCause(Struct, rename="camel", kw_only=True):
    """Which step a run failed in, and what kind of failure it was."""

    path: str
    error_class: str | None = field(default=None, name="class")


class RunRow(Struct, rename="camel", kw_only=True):
    """A run in a list. `failed` counts the spans with status error or timeout."""

    run_id: str
    flow_key: str
    status: RunStatus | Literal["running"]
    started_at: str
    duration_ms: float | None = None
    cwd: str | None = None
    spans: int = 0
    failed: int = 0
    retries: int = 0
    cost_usd: float | None = None
    exit: Exit | None = None
    """Of a run that did not succeed."""
    tags: dict[str, str] = {}
    partial: list[str] | UnsetType = UNSET
    """What is wrong with its record."""
    cause: ShortCause | None = None


class RunList(Struct, rename="camel", kw_only=True):
    """`total` counts all runs that fit the filter."""

    schema: str = SCHEMA
    filter: dict[str, Any] = {}
    total: int
    runs: list[RunRow]
    next: list[str] = []


class WholeRunList(Struct, rename="camel", kw_only=True):
    """The same with the `run` of each trace document, for `--full`: without runs that are still running."""

    schema: str = WHOLE_SCHEMA
    filter: dict[str, Any] = {}
    total: int
    runs: list[Run]
    next: list[str] = []


class SessionList(Struct, rename="camel", kw_only=True):
    """The answer of ``list --by session``: `total` counts the sessions. Their titles are in no document."""

    schema: str = SESSIONS_SCHEMA
    filter: dict[str, Any] = {}
    total: int
    sessions: list[SessionRuns]


class After(NamedTuple):
    """The last run of the page before, by its start (ms since 1970) and id."""

    started_ms: float
    run_id: str


def after(cursor: str | None) -> After | None:
    """Where the page of a cursor begins. Raises WrongUsage."""
    if cursor is None:
        return None
    _, last = decode_cursor(cursor).get("runs", (0, None))
    started_at, *rest = (last or "").split("\n")
    if not rest:
        raise wrong_cursor()
    return After(to_ms(started_at) or 0, rest[0])


def up_to(bounds: Bounds) -> int | None:
    """How many runs to read for a page in another order than that of the index: it is found among those of
    the pages before, and some that may have come since. Raises WrongUsage."""
    if bounds.most_rows is None or bounds.cursor is None:
        return bounds.most_rows
    before, _ = decode_cursor(bounds.cursor).get("runs", (0, None))
    return before + bounds.most_rows + MOST_ROWS


def answer(
    runs: list[Run],
    total: int,
    following: int,
    *,
    running: list[RunUnderWay],
    filter: dict[str, Any],
    bounds: Bounds,
    by_start: bool = True,
) -> object:
    """The page of a list that begins with `runs`; `following` counts the runs that fit the filter and come
    after them, `total` all that fit it. Those of `running` stand among them, by their start. Without
    `by_start`, `runs` are in another order from the first one on, and those of `running` come first."""
    document: Struct
    if bounds.full:
        document = WholeRunList(filter=filter, total=total, runs=runs, next=_next(runs))
    else:
        under_way = {run.run_id for run in running}
        rows = [_running_row(run) for run in running]
        rows += [_row(run) for run in runs if run.run_id not in under_way]
        if by_start:
            rows.sort(key=lambda row: row.started_at, reverse=True)
        document = RunList(filter=filter, total=total, runs=rows, next=_next(runs))
    if by_start:
        bounds = bounds._replace(cursor=None)
    return fit(document, bounds, {"runs": following})


def _running_row(run: RunUnderWay) -> RunRow:
    return RunRow(
        run_id=run.run_id,
        flow_key=cut_text(run.flow_key, _TEXT),
        status="running",
        started_at=run.started_at or "",
        duration_ms=run.duration_ms,
        cwd=cut_text(run.cwd, _TEXT),
    )


def _row(run: Run) -> RunRow:
    counts, cause = run.counts, run.cause or None
    return RunRow(
        run_id=run.run_id,
        flow_key=cut_text(run.flow_key, _TEXT),
        status=run.status,
        started_at=run.started_at,
        duration_ms=run.duration_ms,
        cwd=cut_text(run.cwd, _TEXT) if run.cwd else None,
        spans=counts.spans,
        failed=counts.error + counts.timeout,
        retries=counts.retries,
        cost_usd=run.usage.cost_usd if run.usage else None,
        exit=run.exit or None if run.status != "success" else None,
        tags=cut_tags(run.tags),
        partial=[cut_text(reason, _TEXT) for reason in run.partial[:_REASONS]] if run.partial else UNSET,
        cause=ShortCause(path=cut_text(cause.path, _TEXT), error_class=cause.error_class) if cause else None,
    )


def _next(runs: list[Run]) -> list[str]:
    """The newest run that failed, else the newest of all."""
    failed = [run for run in runs if run.status in ("error", "incomplete")]
    return [f"one --agent trace show {word_for(run)}" for run in (failed or runs)[:1]]
