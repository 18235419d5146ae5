"""What the executions of steps did in a past run, by their place in the flow, and what they usually do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from one_trace.analyse.quantiles import median
from one_trace.model.trace import Span, Trace

Place = tuple[str | int, ...]
"""Ids, iterations and (negative) attempts from the root down. Parallel blocks are left out: an edit may put
steps into one."""
StaticPlace = tuple[str, ...]
"""The same without iterations and attempts: a step of the flow."""


class Did(NamedTuple):
    """What one execution of a step did.

    `iterations`: how many its children had. `branch`: the one they were in. `called`: the flow that they
    belong to.
    """

    span: Span
    iterations: int = 0
    branch: str | None = None
    called: str | None = None


def place(above: Place, step_id: str, iteration: int | None, attempt: int | None) -> Place:
    """The place of a step below another; `attempt`: that of the step above."""
    again = (-attempt,) if attempt is not None and attempt > 1 else ()
    turn = (iteration,) if iteration is not None else ()
    return (*above, *again, *turn, step_id)


def static(where: Place) -> StaticPlace:
    """The step at a place."""
    return tuple(part for part in where if isinstance(part, str))


def executions(trace: Trace) -> dict[Place, Did]:
    """All executions of a run."""
    places: dict[str, Place] = {}
    found: dict[Place, Did] = {}
    at: dict[str, Place] = {}
    for span in trace.spans:
        above = places.get(span.parent_span_id or "", ())
        where = place(above, span.step_id, span.iteration, span.parent_attempt)
        at[span.span_id] = where
        places[span.span_id] = above if span.type == "parallel" else where
        found[where] = Did(span)
    for span in trace.spans:
        if span.parent_span_id is not None:
            where = at[span.parent_span_id]
            found[where] = _with_child(found[where], span)
    return found


def _with_child(did: Did, child: Span) -> Did:
    iterations = max(did.iterations, child.iteration + 1) if child.iteration is not None else did.iterations
    return did._replace(
        iterations=iterations, branch=child.branch or did.branch, called=did.called or child.flow_key
    )


class Usual(NamedTuple):
    """What a step usually does where a past run does not say."""

    ms: float
    iterations: int
    branch: str | None
    called: str | None


def usual(runs: Iterable[Mapping[Place, Did]]) -> dict[StaticPlace, Usual]:
    """By step: medians of the executions that succeeded, the commonest branch."""
    by_step: dict[StaticPlace, list[Did]] = {}
    for run in runs:
        for where, did in run.items():
            if did.span.status == "success":
                by_step.setdefault(static(where), []).append(did)
    return {step: _usual(those) for step, those in by_step.items()}


def _usual(those: Sequence[Did]) -> Usual:
    ((branch, _),) = Counter(did.branch for did in those).most_common(1)
    return Usual(
        ms=median([did.span.duration_ms for did in those if did.span.duration_ms is not None]) or 0.0,
        iterations=round(median([did.iterations for did in those]) or 0),
        branch=branch,
        called=those[-1].called,
    )
