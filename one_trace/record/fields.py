"""Fields of events that we know nothing of, as a later version of the executor may write them."""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw

from one_trace.record.log import LogLine
from one_trace.record.state import UNREADABLE, replace_surrogates

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
_FIELDS = 20
_NAME_CHARS = 80

_members = msgspec.json.Decoder(dict[str, Raw])


def other_fields(data: bytes | bytearray, lines: list[LogLine]) -> dict[str, list[str]]:
    """The names, never the values, of fields that are not known, by the kind of a known event.

    Only the first line of each kind is looked at, so that a long log costs no more than a short one: a field
    that an executor adds to an event stands in all of its kind, or is passed over.
    """
    found: dict[str, list[str]] = {}
    for kind in sorted({line.event for line in lines if line.event in _KNOWN}):
        names = [name for name in _names(data, kind) if name not in _KNOWN[kind]]
        if names:
            found[kind] = list(dict.fromkeys(name[:_NAME_CHARS] for name in names[:_FIELDS]))
    return found


def _names(data: bytes | bytearray, kind: str) -> list[str]:
    """The fields of the first line of a kind."""
    first = re.search(rb'"event"\s*:\s*"%s"' % kind.encode(), data)
    if first is None:
        return []
    end = data.find(b"\n", first.end())
    row = bytearray(data[data.rfind(b"\n", 0, first.start()) + 1 : end if end >= 0 else len(data)])
    replace_surrogates(row)
    try:
        members = _members.decode(row)
    except UNREADABLE:
        return []
    return list(members) if bytes(members.get("event", b"")) == b'"%s"' % kind.encode() else []
