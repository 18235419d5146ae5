"""One run as an answer (`one-trace-run/1`): what happened, why, where the time went, what to run next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import msgspec
from msgspec import Struct, field

from one_trace.analyse.agent_sessions import resume_command
from one_trace.analyse.edit import Edit
from one_trace.analyse.run_refs import word_for
from one_trace.answers.bounds import (
    LIMIT,
    Bounds,
    Omitted,
    cut_tags,
    cut_text,
    number,
    shrink,
    size,
    without_frames,
)
from one_trace.answers.fields import Selection
from one_trace.answers.next_steps import after_run
from one_trace.answers.pages import decode_cursor, encode_cursor, wrong_cursor
from one_trace.answers.step import StepOutput
from one_trace.model.fold import Folder, Node
from one_trace.model.trace import (
    FAILED_STATUSES,
    Cause,
    Counts,
    Executor,
    Exit,
    Location,
    PlannedStep,
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
_WITH_EDITS = 14
"""Edits outlast rows: only after so many tries with fewer rows is the likeliest edit alone kept."""
_ROWS = (250, 160, 110, 80, 60, 45, 34, 26, 20, 15, 11, 8, 6, 4, 3, 2, 1, 0)


class RunHead(Struct, rename="camel", kw_only=True):
    """The run itself, without its spans."""

    run_id: str
    trace_id: str
    flow_key: str
    status: str
    started_at: str
    ended_at: str | None = None
    duration_ms: float | None = None
    executor: Executor
    exit: Exit | None = None
    cwd: str | None = None
    counts: Counts
    usage: Usage | None = None
    session: Session | None = None
    resume_session: str | None = None
    """The command that resumes the session."""
    parent_run_id: str | None = None
    tags: dict[str, str] = {}
    uploads: list[Upload] = []


class Row(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A span, or several alike (`spans` of them; `durationMs` is their median and `maxMs` the longest). A
    member that is missing is null, 1 for `attempts` and `spans`, false for `late`."""

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
    """`failed`: what failed, timed out or never ended; `slowest` by self time; `steps`: the tree in its
    order, iterations that went alike in one row; `next`: commands to run next."""

    schema: str = SCHEMA
    run: RunHead
    cause: Cause | None = None
    failed: list[Row] = []
    retried: list[Row] = []
    slowest: list[Row] = []
    steps: list[Row] = []
    partial: list[str] = []
    at: Location | None = None
    """Where the step that `filter` names is written."""
    edits: list[Edit] = []
    """Of a run that did not succeed: what to edit, the likeliest first, and what was changed since the last
    run that succeeded."""
    output: StepOutput | None = None
    """With ``--with-output``: the output of that step."""
    filter: dict[str, Any] = {}
    omitted: Omitted | None = None
    next: list[str] = field(default_factory=list)


def answer(
    whole: Trace,
    shown: Trace | None = None,
    *,
    bounds: Bounds,
    filter: dict[str, Any] | None = None,
    at: Location | None = None,
    output: StepOutput | None = None,
    plan: Iterable[PlannedStep] = (),
    edits: Sequence[Edit] = (),
) -> dict[str, Any]:
    """The answer about a run. `shown`: the part of `whole` that a filter leaves; figures are of the whole
    run. `at` and `output` belong to the step that the filter names, `plan` is that of the run's flow, `edits`
    are those to make after it. Raises WrongUsage."""
    selection = Selection(RunAnswer, bounds.fields)
    view = _View(whole, shown or whole, filter or {}, bounds, after_run(whole.run, plan))
    for turn, most in enumerate(view.row_counts()):
        kept = edits if turn < _WITH_EDITS else edits[:1]
        shaped = msgspec.structs.replace(view.answer(most), at=at, output=output, edits=list(kept))
        found = selection.of(msgspec.to_builtins(shaped))
        if bounds.full or size(found) <= LIMIT:
            return found
    return shrink(found)


class _View:
    """The rows of an answer, and which of them matter most."""

    def __init__(
        self, whole: Trace, shown: Trace, filter: dict[str, Any], bounds: Bounds, next: list[str]
    ) -> None:
        self.whole, self.shown, self.filter, self.bounds = whole, shown, filter, bounds
        self.tree = Shape(whole)
        seen = self.tree if shown is whole else Shape(shown)
        self.rows = list(map(_row, seen.spans) if bounds.full else _tree_rows(shown, seen))
        self.ranked = sorted(range(len(self.rows)), key=lambda at: _rank(self.rows[at], at))
        self.before = _rows_before(bounds.cursor)
        self.next = list(map(bounds.reading, next))

    def row_counts(self) -> Iterator[int]:
        """How many rows a list may have: as many as there are, then fewer and fewer."""
        limit = self.bounds.limit or len(self.rows) + 1
        if self.bounds.full:
            yield limit
        else:
            yield from dict.fromkeys(min(limit, rows) for rows in _ROWS)

    @cached_property
    def failed(self) -> list[Span]:
        return [span for span in self.shown.spans if span.status in FAILED_STATUSES]

    @cached_property
    def retried(self) -> list[Span]:
        return [span for span in self.shown.spans if span.retries and span.status not in FAILED_STATUSES]

    @cached_property
    def slowest(self) -> list[Row]:
        return _slowest(self.shown, self.tree, _SLOWEST)

    def answer(self, most: int) -> RunAnswer:
        run, later = self.whole.run, self.before > 0
        some = most if self.bounds.full else (most + 1) // 2
        return RunAnswer(
            run=_head(run),
            cause=_cause(run.cause, most) if run.cause and not later else None,
            failed=[] if later else [_row(span) for span in self.failed[:some]],
            retried=[] if later else [_row(span) for span in self.retried[: some // 2]],
            slowest=[] if later else self.slowest[:most],
            steps=[self.rows[at] for at in sorted(self._page(most))],
            partial=[cut_text(reason, _TEXT) for reason in (run.partial or [])[: some // 2 + 1]],
            filter=self.filter,
            omitted=self._omitted(most),
            next=self.next,
        )

    def _page(self, most: int) -> list[int]:
        return self.ranked[self.before : self.before + most]

    def _omitted(self, most: int) -> Omitted | None:
        seen = self.ranked[: self.before + most]
        left = len(self.whole.spans) - sum(self.rows[at].spans for at in seen)
        more = len(seen) < len(self.ranked)
        cursor = encode_cursor({"steps": (len(seen), None)}) if more else None
        how = (
            self.bounds.rerun("--cursor", cursor)
            if self.bounds.full and cursor
            else self.bounds.reading(_whole(self.whole.run))
        )
        return Omitted(spans=left, cursor=cursor, how=how) if left > 0 else None


def _whole(run: Run) -> str:
    return f"one --agent trace show {word_for(run)} --full"


def _rows_before(cursor: str | None) -> int:
    """How many rows the pages before had."""
    places = decode_cursor(cursor) if cursor is not None else {"steps": (0, None)}
    if places.keys() != {"steps"}:
        raise wrong_cursor()
    return places["steps"][0]


def _head(run: Run) -> RunHead:
    return RunHead(
        run_id=run.run_id,
        trace_id=run.trace_id,
        flow_key=cut_text(run.flow_key, _TEXT),
        status=run.status,
        started_at=run.started_at,
        ended_at=run.ended_at,
        duration_ms=number(run.duration_ms),
        executor=run.executor,
        exit=run.exit or None,
        cwd=cut_text(run.cwd, _TEXT) if run.cwd else None,
        counts=run.counts,
        usage=run.usage,
        session=run.session,
        resume_session=resume_command(run.session),
        parent_run_id=run.parent_run_id,
        tags=cut_tags(run.tags),
        uploads=[
            Upload(sink=each.sink, state=each.state, url=each.url, attempts=each.attempts)
            for each in run.uploads
        ],
    )


def _cause(cause: Cause, most: int) -> Cause:
    return msgspec.structs.replace(
        cause,
        path=cut_text(cause.path),
        error=cut_text(without_frames(cause.error), 1000 if most > 4 else _TEXT) if cause.error else None,
        never_ran=[cut_text(path, _TEXT) for path in cause.never_ran[:most]],
        still_running=[cut_text(path, _TEXT) for path in cause.still_running[:most]],
    )


def _row(span: Span) -> Row:
    return Row(
        path=cut_text(span.path),
        type=span.type,
        status=span.status,
        start_ms=number(span.start_ms) or 0,
        duration_ms=number(span.duration_ms),
        attempts=span.attempts,
        output_bytes=span.output_bytes,
        error=cut_text(without_frames(span.error), _TEXT) if span.error else None,
        error_code=span.error_code,
        late=span.late,
        derived=span.derived,
    )


def _slowest(shown: Trace, tree: Shape, most: int) -> list[Row]:
    """By self time in the whole run: a filter hides spans, but changes no figure."""
    total = tree.run.duration_ms or tree.horizon or 1.0
    own = tree.self_ms
    timed = [span for span in shown.spans if own.get(span.span_id)]
    timed.sort(key=lambda span: -own[span.span_id])
    return [
        Row(
            path=cut_text(span.path),
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
    """The tree in its order, without recursion: a hostile flow may nest to any depth."""
    folder = Folder(tree, whole_lists=True)
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
        path=cut_text(f"{above} {node.label} {' > '.join(node.steps)}".rstrip()),
        status=node.status,
        start_ms=number(node.start_ms) or 0,
        duration_ms=number(spread.median) if spread else None,
        max_ms=number(spread.greatest) if spread else None,
        spans=node.members * max(1, len(node.steps)),
    )


def _rank(row: Row, at: int) -> tuple[bool, bool, int, float, int]:
    """The most important first: what failed or was retried, the upper levels, what took long."""
    longest = row.max_ms if row.max_ms is not None else row.duration_ms
    level = row.path.count(" > ")
    return row.status not in FAILED_STATUSES, row.attempts == 1, min(level, 3), -(longest or 0.0), at
