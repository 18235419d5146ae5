"""A trace as it may leave, in the trace's own structs: for texts that people share, such as Markdown.

Everything comes from the `SanitizedTrace` but the place in a file where the cause is written.
"""

from __future__ import annotations

from typing import Any

import msgspec

from one_trace.model.trace import Cause, Run, Span, Trace
from one_trace.outbound.sanitize import SanitizedCause, SanitizedTrace

_RUN, _SPAN = ({field.name for field in msgspec.structs.fields(kind)} for kind in (Run, Span))


def outgoing(trace: Trace, sanitized: SanitizedTrace) -> Trace:
    """`trace` without folders, sessions and uploads, and with the error texts of `sanitized` alone."""
    spans = [Span(**_fields(span, _SPAN)) for span in sanitized.spans]
    run = Run(**{**_fields(sanitized.run, _RUN), "session": None, "cause": None})
    if sanitized.run.cause is not None:
        run.cause = _cause(trace, sanitized.run.cause, spans)
    if sanitized.run.damaged:
        run.partial = ["the record of this run is incomplete: steps may be missing"]
    return Trace(run=run, spans=spans)


def _cause(trace: Trace, cause: SanitizedCause, spans: list[Span]) -> Cause:
    threw = next((span for span in spans if span.span_id == cause.span_id), None)
    return Cause(
        **msgspec.structs.asdict(cause),
        step_id=threw.step_id if threw else None,
        error=threw.error if threw else None,
        at=trace.run.cause.at if trace.run.cause else None,
    )


def _fields(source: msgspec.Struct, names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(source).items() if name in names}
