"""The line `trace:saved`, which a traced run writes to stderr for agents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from one_trace.answers.bounds import cut_text, number
from one_trace.answers.next_steps import after_run
from one_trace.model.trace import Cause, Trace, Upload

_ERROR = 200
"""Characters of an error's text."""


def saved_line(trace: Trace, uploads: Sequence[Upload], from_store: str = "") -> dict[str, Any]:
    """What was traced, and if the run did not succeed, why and which command says more. `from_store`: see
    `Settings`."""
    run = trace.run
    line: dict[str, Any] = {
        "event": "trace:saved",
        "runId": run.run_id,
        "traceId": run.trace_id,
        "spans": len(trace.spans),
        "status": run.status,
        "durationMs": number(run.duration_ms),
    }
    if run.status != "success":
        line["exit"] = {"code": run.exit.code, "signal": run.exit.signal} if run.exit else None
        line["cause"] = _cause(run.cause) if run.cause else None
        line["next"] = f"{after_run(run)[0]}{from_store}"
    line["uploads"] = [{"sink": upload.sink, "state": upload.state, "url": upload.url} for upload in uploads]
    return line


def _cause(cause: Cause) -> dict[str, Any]:
    at = cause.at
    return {
        "path": cut_text(cause.path),
        "class": cause.error_class,
        "error": cut_text(cause.error, _ERROR) if cause.error else None,
        "at": {"file": at.file, "pointer": at.pointer, "line": at.line} if at is not None else None,
    }
