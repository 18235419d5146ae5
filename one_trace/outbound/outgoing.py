"""A trace as it may leave, in the trace's own structs: for texts that people share, such as Markdown."""

from __future__ import annotations

from typing import Any, TypeVar

from msgspec import Struct

from one_trace.model.trace import Cause, Run, Span, Trace
from one_trace.outbound.sanitize import SanitizedTrace

_Kind = TypeVar("_Kind", bound=Struct)


def outgoing(sanitized: SanitizedTrace) -> Trace:
    """A trace without folders, sessions and uploads, with the error texts of `sanitized` alone."""
    spans = [_as(Span, span) for span in sanitized.spans]
    run = _as(Run, sanitized.run, session=None)
    cause = sanitized.run.cause
    if cause is not None:
        errors = {span.span_id: span.error for span in spans}
        run.cause = _as(Cause, cause, error=errors.get(cause.span_id or ""))
    if sanitized.run.damaged:
        run.partial = ["the record of this run is incomplete: steps may be missing"]
    return Trace(run=run, spans=spans)


def _as(kind: type[_Kind], source: Struct, **others: Any) -> _Kind:  # noqa: ANN401  whatever a field holds
    """A struct of the kind with those fields of `source` that it has, and with `others` in their place."""
    shared = [
        name for name in kind.__struct_fields__ if name in source.__struct_fields__ and name not in others
    ]
    return kind(**{name: getattr(source, name) for name in shared}, **others)
