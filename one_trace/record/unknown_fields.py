"""Event fields that are not known to us, as a later version of the executor may write them."""

from __future__ import annotations

import re

from one_trace.record.log import LogLine
from one_trace.record.tolerant import raw_members, replace_surrogates

_COMMON = {"ts", "level", "msg", "event"}
_COUNTS = "stepsCompleted stepsFailed stepsSkipped"
_KNOWN = {
    event: _COMMON | set(fields.split())
    for event, fields in {
        "flow:start": "flowKey totalSteps timestamp",
        "flow:mock-start": "flowKey totalSteps timestamp",
        "flow:dry-run": "flowKey resolvedInputs steps timestamp",
        "flow:complete": f"flowKey status durationMs {_COUNTS}",
        "flow:stopped": f"flowKey stoppedAfter dryRun durationMs timestamp {_COUNTS}",
        "flow:error": "flowKey status error durationMs",
        "flow:warning": "message",
        "flow:deprecation": "flowKey warning",
        "step:start": "stepId stepName type timestamp",
        "step:complete": "stepId status durationMs retries",
        "step:error": "stepId error strategy",
        "step:retry": "stepId attempt maxRetries delayMs",
        "step:retry-success": "stepId retries",
        "step:retry-skip": "stepId reason error",
        "step:page": "stepId page",
        "step:mock": "stepId type config",
        "step:dry-resolve": "stepId name type references resolved deferred error timestamp",
    }.items()
}
_MOST_FIELDS = 20
_NAME_LIMIT = 80


def unknown_fields(data: bytes | bytearray, lines: list[LogLine]) -> dict[str, list[str]]:
    """The names, never the values, of unknown fields by the kind of a known event.

    Only the first line of each kind is read, so that the cost does not grow with the log: an executor that
    adds a field to an event adds it to all of its kind.
    """
    found: dict[str, list[str]] = {}
    for kind in sorted({line.event for line in lines if line.event in _KNOWN}):
        names = [name for name in _fields_of_first(data, kind) if name not in _KNOWN[kind]]
        if names:
            found[kind] = list(dict.fromkeys(name[:_NAME_LIMIT] for name in names[:_MOST_FIELDS]))
    return found


def _fields_of_first(data: bytes | bytearray, kind: str) -> list[str]:
    first = re.search(rb'"event"\s*:\s*"%s"' % kind.encode(), data)
    if first is None:
        return []
    end = data.find(b"\n", first.end())
    row = bytearray(data[data.rfind(b"\n", 0, first.start()) + 1 : end if end >= 0 else len(data)])
    replace_surrogates(row)
    fields = raw_members(row) or {}
    return list(fields) if bytes(fields.get("event", b"")) == b'"%s"' % kind.encode() else []
