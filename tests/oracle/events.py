"""The lines of a log, as they are compared."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from one_trace.model.times import to_ms

UNKNOWN = "\0 an error that the reading does not know"
UNSAVEABLE = "Converting circular structure to JSON"
"""The error of a step after which the state cannot be saved."""
ENDS = ("Flow completed", "Flow failed", "Flow completed after resume", "Flow failed after resume")
"""Messages after which a run is over."""
_NO_FIELDS = frozenset(("event", "ts", "level", "msg", "timestamp", "runId"))


@dataclass(frozen=True, slots=True)
class Line:
    """A line: when, in ms since the epoch, the event or message, and its other fields."""

    at: float
    what: str
    fields: dict[str, Any]

    @property
    def step(self) -> str | None:
        return self.fields.get("stepId")

    def __str__(self) -> str:
        return " ".join(str(word) for word in (self.what, *self.fields.values()))


def read_lines(log: Path | None) -> list[Line]:
    """The lines of a log that is whole."""
    rows = log.read_bytes().split(b"\n") if log is not None else []
    return [line_of(json.loads(row)) for row in rows if row]


def line_of(row: dict[str, Any]) -> Line:
    at = to_ms(row["ts"])
    assert at is not None
    return Line(at, row.get("event") or row["msg"], _fields(row))


def line_of_event(event: dict[str, Any], at: float) -> Line:
    """The line that an event of the engine makes."""
    return Line(at, event["event"], _fields(event))


def _fields(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in _NO_FIELDS}


def is_event(line: Line) -> bool:
    """Not a message of the host itself."""
    return line.what[0].islower()


def same(recorded: Line, again: Line) -> bool:
    """Whether the two say the same, but for when, and for errors that are not known."""
    if recorded.fields.get("error") != again.fields.get("error") and again.fields.get("error") == UNKNOWN:
        return same(
            recorded, Line(again.at, again.what, {**again.fields, "error": recorded.fields.get("error")})
        )
    return recorded.what == again.what and recorded.fields == again.fields
