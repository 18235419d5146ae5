"""Why a run failed: the deepest span that threw, told from the cascade of those that it took with it."""

from __future__ import annotations

from collections.abc import Iterator

from one_trace.assemble.live.state import LiveSpan, SequenceRun
from one_trace.assemble.reading.replay import Replay
from one_trace.engine.rules import BASH_TIMEOUT_MS
from one_trace.model.trace import Cause
from one_trace.record.tolerant import bounded_number

_LIST_LIMIT = 50
_UNREPORTED = "Cannot set property message of "


def find_cause(replay: Replay, spans: list[LiveSpan], ids: dict[int, str]) -> Cause:
    """The cause of a failed run; the flow itself where no step threw (a missing input)."""
    error = replay.seen.error
    top = [span for span in spans if span.act is replay.root and span.raised]
    if not top:
        unrun = _all(replay) if not spans else []
        kind, guessed = _class(error, None, None)
        return Cause(
            span_id=None,
            path=replay.root.prefix,
            error=error,
            error_class=kind,
            never_ran=unrun,
            derived=["class"] if guessed else [],
        )
    chain = [top[-1]]
    text = chain[0].shown.error
    while (inner := _threw_in(chain[-1], text)) is not None:
        chain.append(inner)
        text = inner.shown.error if inner.shown.error is not None else text
    cause = chain[-1]
    text = text if text is not None else error
    code = timeout_code(cause, text)
    kind, guessed = _class(text, code, cause.node.type)
    if guessed and _ran_out_of_time(cause, text):
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
        still_running=running[:_LIST_LIMIT],
        never_ran=[path for span in reversed(chain) for path in _after(span)][:_LIST_LIMIT],
        derived=[
            *(["path"] if any(span.shown.doubtful or span.act.unsure.doubtful for span in chain) else []),
            *(["class"] if guessed else []),
        ],
    )


def _class(error: str | None, code: str | None, step_type: str | None) -> tuple[str | None, bool]:
    from one_trace.assemble.spans.error_class import (
        error_class,  # its patterns are of use for a failed run alone
    )

    return error_class(error, code, step_type)


def _ran_out_of_time(span: LiveSpan, error: str | None) -> bool:
    """What the host's words do not say: a command that it ended by the command's own limit, and a code step
    whose abort signal went off, of which the host cannot report the message."""
    config, text = span.node.config, error or ""
    if span.node.type == "bash" and text.startswith("Command failed: ") and span.end is not None:
        limit = bounded_number(config.get("timeout")) or BASH_TIMEOUT_MS
        return span.end - (span.retried[-1] if span.retried else span.start) >= limit
    source = config.get("source")
    return text.startswith(_UNREPORTED) and isinstance(source, str) and "Abort" in source


def timeout_code(span: LiveSpan, error: str | None) -> str | None:
    """``TIMEOUT`` for a step whose own time-out was thrown; else the code that its result has."""
    if span.shown.result is not None and span.shown.result.error_code:
        return span.shown.result.error_code
    if span.shown.status == "timeout":
        return "TIMEOUT"
    return (
        "TIMEOUT"
        if span.shown.status in ("error", "incomplete") and (error or "").startswith(span.node.timed_out)
        else None
    )


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
    return [f"{replay.root.prefix} > {node.id}" for node in nodes][:_LIST_LIMIT]


def _ran_at(span: LiveSpan, moment: float | None) -> bool:
    if moment is None or span.shown.status == "skipped" or span.start > moment:
        return False
    return span.end is None or span.end > moment


def _after(span: LiveSpan) -> Iterator[str]:
    """The steps behind it in its list."""
    seq: SequenceRun | None = span.seq
    if seq is None or span.node.index is None:
        return
    for node in seq.nodes[span.node.index + 1 :]:
        yield f"{seq.prefix} > {node.id}"
