"""A trace as it may leave, in the trace's own structs: for texts that people share, such as Markdown.

Everything comes from the `SanitizedTrace` but the structure of the cause, whose texts are checked here.
"""

from __future__ import annotations

from typing import Any

import msgspec

from one_trace.model.trace import Cause, Run, Span, Trace
from one_trace.outbound.sanitize import SanitizedTrace, code

_OWN = {field.name for field in msgspec.structs.fields(Run)}


def outgoing(trace: Trace, sanitized: SanitizedTrace) -> Trace:
    """`trace` without folders, sessions and uploads, and with the error texts of `sanitized` alone."""
    spans = [Span(**msgspec.structs.asdict(span)) for span in sanitized.spans]
    known = {name: value for name, value in msgspec.structs.asdict(sanitized.run).items() if name in _OWN}
    run = Run(**{**known, "session": None})
    cause = trace.run.cause or None
    if cause is not None:
        errors: dict[str | None, Any] = {span.span_id: span.error for span in spans}
        run.cause = _cause(cause, errors.get(cause.span_id))
    if sanitized.run.damaged:
        run.partial = ["the record of this run is incomplete: steps may be missing"]
    return Trace(run=run, spans=spans)


def _cause(cause: Cause, error: str | None) -> Cause:
    return msgspec.structs.replace(
        cause, error=error, error_code=code(cause.error_code), error_class=code(cause.error_class)
    )
