"""Why a run failed: the deepest span that threw, told from the cascade of those that it took with it."""

from __future__ import annotations

from collections.abc import Iterator

from one_trace.assemble.live.state import LiveSpan, SequenceRun
from one_trace.assemble.reading.replay import Replay
from one_trace.assemble.spans.thrown import (
    LIST_LIMIT,
    class_of,
    flow_cause,
    own_code,
    ran_at,
    ran_out_of_time,
)
from one_trace.model.trace import Cause


def find_cause(replay: Replay, spans: list[LiveSpan], ids: dict[int, str]) -> Cause:
    """The cause of a failed run; the flow itself where no step threw (a missing input)."""
    error = replay.seen.error
    top = [span for span in spans if span.act is replay.root and span.raised]
    if not top:
        return flow_cause(replay.root.prefix, error, _all(replay) if not spans else [])
    chain = [top[-1]]
    text = chain[0].shown.error
    while (inner := _threw_in(chain[-1], text)) is not None:
        chain.append(inner)
        text = inner.shown.error if inner.shown.error is not None else text
    cause = chain[-1]
    text = text if text is not None else error
    code = timeout_code(cause, text)
    kind, guessed = class_of(text, code, cause.node.type)
    if guessed and ran_out_of_time(cause.node, text, _took(cause)):
        kind = "TIMEOUT"
    thrown = cause.end if cause.end is not None else chain[0].end
    running = [span.path for span in spans if _ran_at(span, thrown) and span not in chain and span.shown.born]
    return Cause(
        span_id=ids[cause.number],
        path=cause.path,
        error=text,
        step_id=cause.node.id,
        error_code=code,
        error_class=kind,
        at=replay.trees.place(cause.node),
        attempts=cause.attempts,
        still_running=running[:LIST_LIMIT],
        never_ran=[path for span in reversed(chain) for path in _after(span)][:LIST_LIMIT],
        derived=[
            *(["path"] if any(span.shown.doubtful or span.act.unsure.doubtful for span in chain) else []),
            *(["class"] if guessed else []),
        ],
    )


def timeout_code(span: LiveSpan, error: str | None) -> str | None:
    """``TIMEOUT`` for a step whose own time-out was thrown; else the code that its result has."""
    result = span.shown.result
    return own_code(span.node, span.shown.status, error, result.error_code if result is not None else None)


def _threw_in(span: LiveSpan, error: str | None) -> LiveSpan | None:
    """The child, in the container's last attempt, whose error it passed on. Its own time-out is its own."""
    if span.node.has_timed_out(error):
        return None
    act = span.acts[-1] if span.acts else None
    if act is None or not act.failed:
        return _guilty_child(span, error)
    for child in reversed(act.thrown):
        if child.shown.error == span.shown.error or span.shown.error is None:
            return child
    return _guilty_child(span, error)


def _guilty_child(span: LiveSpan, error: str | None) -> LiveSpan | None:
    """The unlogged child of a parallel block that must have thrown: the one that the error names, or that
    holds the one it names, or the only one without a result."""
    act = span.acts[-1] if span.acts else None
    if act is None or span.shown.status == "success":
        return None
    left = [child for child in act.children if child.shown.born and child.shown.result is None]
    named = [child for child in left if _names(error or "", child)]
    if len(named) == 1:
        return named[0]
    return left[0] if len(left) == 1 and not left[0].acts else None


def _names(error: str, unlogged: LiveSpan) -> bool:
    """Whether an error names an unlogged child, or one in the blocks within it."""
    if not unlogged.acts:
        return f'"{unlogged.node.id}"' in error
    return any(
        child.shown.born and child.shown.result is None and _names(error, child)
        for child in unlogged.acts[-1].children
    )


def _all(replay: Replay) -> list[str]:
    """Every step of the root flow's own list."""
    record = replay.record
    nodes = replay.trees.root(record.files.flow_key, record.flow).root.nodes
    return [f"{replay.root.prefix} > {node.id}" for node in nodes]


def _ran_at(span: LiveSpan, moment: float | None) -> bool:
    return ran_at(span.shown.status, span.start, span.end, moment)


def _took(span: LiveSpan) -> float | None:
    """Its last attempt, in ms."""
    return None if span.end is None else span.end - (span.retried[-1] if span.retried else span.start)


def _after(span: LiveSpan) -> Iterator[str]:
    """The steps behind it in its list."""
    seq: SequenceRun | None = span.seq
    if seq is None or span.node.index is None:
        return
    for node in seq.nodes[span.node.index + 1 :]:
        yield f"{seq.prefix} > {node.id}"
