"""What stands around a span or an attempt, and inside it."""

from __future__ import annotations

from collections.abc import Iterator

from one_trace.assemble.live.state import ContainerAttempt, LiveSpan, Scope


def logged(child: LiveSpan) -> LiveSpan | None:
    """A step that the log tells of: itself, or the nearest that an unlogged child is in."""
    above: LiveSpan | None = child
    while above is not None and above.slot >= 0:
        above = above.act.span
    return above


def outside(act: ContainerAttempt) -> Iterator[ContainerAttempt]:
    """What an attempt stands in, the innermost first."""
    while act.span is not None:
        act = act.span.act
        yield act


def alive(act: ContainerAttempt) -> bool:
    """It was not given up, and nothing that it is in was."""
    at: ContainerAttempt | None = act
    while at is not None and at.span is not None:
        span = at.span
        if not span.open or span.acts[-1] is not at:
            return False
        at = span.act
    return True


def in_doubtful_block(act: ContainerAttempt) -> bool:
    """An unlogged block that it is in may be another."""
    at = act
    while at.span is not None and at.span.slot >= 0:
        at = at.span.act
        if at.unsure.doubtful:
            return True
    return False


def unlogged_children(span: LiveSpan) -> Iterator[LiveSpan]:
    """The unlogged children of its last attempt, at any depth."""
    for child in span.acts[-1].children if span.acts else ():
        yield child
        yield from unlogged_children(child)


def let_go(spans: list[LiveSpan]) -> None:
    """Nothing is asked of these spans any more. They and what they ran in hold one another: undone here, they
    go as soon as nobody has them, and the collector need not look for them."""
    nowhere = Scope(None, None)
    nothing = ContainerAttempt(None, None, 1, nowhere, 1)
    none: list[ContainerAttempt] = []
    for span in spans:
        if span.seq is not None:
            span.seq.scope.shared = nowhere
        for act in span.acts:
            act.under, act.scope, act.runs = nothing, nowhere, nothing.runs
        span.act, span.acts = nothing, none
        span.seq = span.stored.before = span.stored.found_in = None
    spans.clear()


def first_sign(act: ContainerAttempt, at: float, index: int) -> None:
    """A line from inside this attempt: if it is an unlogged child's, that had started by then, and what it is
    in too."""
    if act.progress.first_index is None:
        act.progress.first_index = index
    span = act.span
    while span is not None and span.slot >= 0 and span.inner_start is None:
        span.inner_start = at
        if span.act.progress.first_index is None:
            span.act.progress.first_index = index
        span = span.act.span
