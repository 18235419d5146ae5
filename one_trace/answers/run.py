"""One run as an answer (`one-trace-run/1`): what happened, why, where the time went, and what to ask next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from shlex import quote
from typing import Any

from msgspec import Struct, field

from one_trace.answers.bounds import Omitted, cut, fullest, number
from one_trace.model.fold import Folder, Node
from one_trace.model.trace import (
    FAILED_STATUSES,
    Cause,
    Counts,
    Executor,
    Run,
    Session,
    Span,
    Trace,
    Upload,
    Usage,
)
from one_trace.model.tree import Shape

SCHEMA = "one-trace-run/1"
_SLOWEST = 5
_TEXT = 200


class Facts(Struct, rename="camel", kw_only=True):
    """The run itself, without its spans."""

    run_id: str
    trace_id: str
    flow_key: str
    status: str
    started_at: str
    ended_at: str | None = None
    duration_ms: float | None = None
    executor: Executor
    cwd: str | None = None
    counts: Counts
    usage: Usage | None = None
    session: Session | None = None
    parent_run_id: str | None = None
    uploads: list[Upload] = []


class Row(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A span, or several that went alike (`spans` of them; then `durationMs` is the median and `maxMs` the
    longest). A member that is not there is null, 1 for `attempts`, and false for `late`."""

    path: str
    type: str = ""
    status: str
    start_ms: float
    duration_ms: float | None = None
    max_ms: float | None = None
    self_ms: float | None = None
    share: float | None = None
    """Of the run's duration, 0 to 1."""
    attempts: int = 1
    output_bytes: int | None = None
    error: str | None = None
    error_code: str | None = None
    late: bool = False
    derived: list[str] = []
    spans: int = 1


class RunAnswer(Struct, rename="camel", kw_only=True):
    """`failed`: what failed, timed out or never ended; `retried`; `slowest` by self time; `steps`: the tree
    in its order, iterations that went alike in one row. `next`: commands that tell more."""

    schema: str = SCHEMA
    run: Facts
    cause: Cause | None = None
    failed: list[Row] = []
    retried: list[Row] = []
    slowest: list[Row] = []
    steps: list[Row] = []
    partial: list[str] = []
    filter: dict[str, Any] = {}
    omitted: Omitted | None = None
    next: list[str] = field(default_factory=list)


def answer(
    whole: Trace,
    shown: Trace | None = None,
    *,
    filter: dict[str, Any] | None = None,
    limit: int | None = None,
) -> RunAnswer:
    """The answer about a run. `shown`: what of `whole` a filter leaves; figures are those of the whole run.
    `limit`: at most so many rows a list."""
    tree = Shape(whole)
    seen = shown or whole
    rows = list(_tree_rows(seen, Shape(seen)))

    def make(most: int) -> RunAnswer:
        return _answer(whole, seen, tree, rows, filter or {}, most if limit is None else min(most, limit))

    return fullest(make)


def everything(whole: Trace, shown: Trace, filter: dict[str, Any]) -> RunAnswer:
    """The answer about a part of a run, however long."""
    tree, seen = Shape(whole), Shape(shown)
    rows = [_row(span) for span in seen.spans]
    return _answer(whole, shown, tree, rows, filter, len(rows) + 1)


def _answer(
    whole: Trace, shown: Trace, tree: Shape, rows: list[Row], filter: dict[str, Any], most: int
) -> RunAnswer:
    run = whole.run
    failed = [span for span in shown.spans if span.status in FAILED_STATUSES]
    retried = [span for span in shown.spans if span.retries and span.status not in FAILED_STATUSES]
    steps = _kept(rows, most)
    told = sum(row.spans for row in steps)
    left = len(whole.spans) - told
    cause = run.cause or None
    return RunAnswer(
        run=_facts(run),
        cause=_cause(cause, most) if cause else None,
        failed=[_row(span) for span in failed[: (most + 1) // 2]],
        retried=[_row(span) for span in retried[: most // 4]],
        slowest=_slowest(shown, tree, min(most, _SLOWEST)),
        steps=steps,
        partial=[cut(reason, _TEXT) for reason in (run.partial or [])[: most // 4 + 1]],
        filter=filter,
        omitted=Omitted(spans=left, how=f"one --agent trace show {run.run_id} --full") if left > 0 else None,
        next=list(_next(run)),
    )


def _facts(run: Run) -> Facts:
    return Facts(
        run_id=run.run_id,
        trace_id=run.trace_id,
        flow_key=cut(run.flow_key, _TEXT),
        status=run.status,
        started_at=run.started_at,
        ended_at=run.ended_at,
        duration_ms=number(run.duration_ms),
        executor=run.executor,
        cwd=cut(run.cwd, _TEXT) if run.cwd else None,
        counts=run.counts,
        usage=run.usage,
        session=run.session,
        parent_run_id=run.parent_run_id,
        uploads=[
            Upload(sink=each.sink, state=each.state, url=each.url, attempts=each.attempts)
            for each in run.uploads
        ],
    )


def _cause(cause: Cause, most: int) -> Cause:
    from msgspec.structs import replace

    return replace(
        cause,
        path=cut(cause.path),
        error=cut(cause.error, 1000 if most > 4 else _TEXT) if cause.error else None,
        never_ran=[cut(path, _TEXT) for path in cause.never_ran[:most]],
        still_running=[cut(path, _TEXT) for path in cause.still_running[:most]],
    )


def _row(span: Span) -> Row:
    return Row(
        path=cut(span.path),
        type=span.type,
        status=span.status,
        start_ms=number(span.start_ms) or 0,
        duration_ms=number(span.duration_ms),
        attempts=span.attempts,
        output_bytes=span.output_bytes,
        error=cut(span.error, _TEXT) if span.error else None,
        error_code=span.error_code,
        late=span.late,
        derived=span.derived,
    )


def _slowest(shown: Trace, tree: Shape, most: int) -> list[Row]:
    """By self time, of the whole run: what a filter hides does not change a figure."""
    total = tree.run.duration_ms or tree.horizon or 1.0
    own = tree.self_ms
    timed = [span for span in shown.spans if own.get(span.span_id)]
    timed.sort(key=lambda span: -own[span.span_id])
    return [
        Row(
            path=cut(span.path),
            type=span.type,
            status=span.status,
            start_ms=number(span.start_ms) or 0,
            duration_ms=number(span.duration_ms),
            self_ms=number(own[span.span_id]),
            share=number(min(1.0, own[span.span_id] / total), 4),
        )
        for span in timed[:most]
    ]


def _tree_rows(shown: Trace, tree: Shape) -> Iterator[Row]:
    """The tree in its order. Without recursion: how deep a flow nests is not ours to choose."""
    folder = Folder(tree)
    todo = [(node, shown.run.flow_key) for node in reversed(folder.top())]
    while todo:
        node, above = todo.pop()
        if node.members:
            yield _fold_row(node, above)
            continue
        if node.span is not None:
            yield _row(node.span)
        below = node.span.path if node.span is not None else above
        todo.extend((child, below) for child in reversed(folder.under(node)))


def _fold_row(node: Node, above: str) -> Row:
    spread = node.spread
    return Row(
        path=cut(f"{above} {node.label} {' > '.join(node.steps)}".rstrip()),
        status=node.status,
        start_ms=number(node.start_ms) or 0,
        duration_ms=number(spread.median) if spread else None,
        max_ms=number(spread.greatest) if spread else None,
        spans=node.members * max(1, len(node.steps)),
    )


def _kept(rows: list[Row], most: int) -> list[Row]:
    """Those that matter most, in the order of the tree: what did not go well, what is near the top, what took
    long."""
    if len(rows) <= most:
        return rows
    ranked = sorted(range(len(rows)), key=lambda at: _rank(rows[at], at))
    return [rows[at] for at in sorted(ranked[:most])]


def _rank(row: Row, at: int) -> tuple[bool, bool, int, float, int]:
    longest = row.max_ms if row.max_ms is not None else row.duration_ms
    level = row.path.count(" > ")
    return row.status not in FAILED_STATUSES, row.attempts == 1, min(level, 3), -(longest or 0.0), at


def _next(run: Run) -> Iterable[str]:
    """Commands that work, for what is usually asked next."""
    if run.status == "error":
        yield f"one --agent trace show {run.run_id} --failed"
    if run.counts.retries or run.counts.timeout:
        yield f"one --agent trace stats {quote(run.flow_key)}"
    if run.status == "success":
        yield f"one --agent trace show {run.run_id} --slow 10"
