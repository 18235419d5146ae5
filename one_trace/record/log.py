"""The log: one JSON object a line, with `ts`, `level`, `msg` and the fields of the event."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from one_trace.model.times import to_ms
from one_trace.record.tolerant import (
    UNREADABLE,
    Count,
    Number,
    bounded_count,
    bounded_number,
    parse_json,
    to_text,
)


class LogLine(msgspec.Struct, rename="camel", gc=False):
    """One line of the log. `at`: `ts` in epoch ms. `event`: None for a line that is not an event (``Flow
    started``)."""

    ts: str = ""
    msg: str = ""
    event: str | None = None
    step_id: str | None = None
    step_name: str | None = None
    type: str | None = None
    timestamp: str | None = None
    status: str | None = None
    duration_ms: Number | None = None
    retries: Count | None = None
    error: str | None = None
    flow_key: str | None = None
    attempt: Count | None = None
    delay_ms: Number | None = None
    max_retries: Count | None = None
    stopped_after: str | None = None
    strategy: str | None = None
    at: int = 0
    host_ms: Number | None = None
    """`duration_ms` as the executor wrote it, if it has been corrected because the clock was set."""

    @property
    def begun(self) -> int | None:
        """`timestamp` in epoch ms."""
        return self.at if self.timestamp == self.ts else to_ms(self.timestamp)

    @property
    def reported_ms(self) -> int | float | None:
        """The duration as the executor wrote it here and in its state."""
        return self.duration_ms if self.host_ms is None else self.host_ms


_lines = msgspec.json.Decoder(LogLine)
_NUMBERS: dict[str, Callable[[object], object]] = {
    "durationMs": bounded_number,
    "delayMs": bounded_number,
    "retries": bounded_count,
    "attempt": bounded_count,
    "maxRetries": bounded_count,
}
_NAMES = ("stepId", "stepName")
"""Sub-flows are not validated: these may be numbers in their files, and so in the log."""
_OURS = ("at", "host_ms")


def read_log(data: bytes | bytearray, started: int | None = None) -> tuple[list[LogLine], list[str]]:
    """The lines of a log, and what is wrong with it, one sentence each. `started`: the run's start by its
    state, epoch ms.

    Lines end in ``\\n`` alone: U+2028, U+2029 and U+0085 stand raw in them. A line that cannot be read is
    left out and reported.
    """
    lines: list[LogLine] = []
    faults: list[str] = []
    try:
        lines = _lines.decode_lines(data)
    except UNREADABLE:
        lines = _one_by_one(data, faults)
    faults += _read_times(lines, started)
    return lines, faults


def _read_times(lines: list[LogLine], started: int | None) -> list[str]:
    """Set `at`. A line without a readable time still says what happened: it gets the time of the line before;
    the first line that of the next readable one, else the run's start."""
    faults: list[str] = []
    before: int | None = None
    for line in lines:
        at = to_ms(line.ts)
        if at is None:
            faults.append(f"a log line ({line.msg[:40]!r}) has no readable time")
            if before is None:
                before = next((at for each in lines if (at := to_ms(each.ts)) is not None), started or 0)
            at = before
            line.timestamp = line.timestamp if line.timestamp != line.ts else None
        line.at = before = at
        line.host_ms = None
    return faults


def _one_by_one(data: bytes | bytearray, faults: list[str]) -> list[LogLine]:
    lines: list[LogLine] = []
    rows = bytes(data).split(b"\n")
    for number, row in enumerate(rows, 1):
        if not row.strip():
            continue
        line = _read_line(row)
        if line is not None:
            lines.append(line)
        elif number == len(rows):
            faults.append(f"the log is cut in line {number}")
        else:
            faults.append(f"line {number} of the log cannot be read")
    return lines


def _read_line(row: bytes) -> LogLine | None:
    """A line; None if it is not JSON. Fields of another type are left out, lone surrogates replaced."""
    try:
        return _lines.decode(row)
    except UNREADABLE:
        pass
    try:
        parsed = parse_json(to_text(row))
    except ValueError:
        return None
    if not isinstance(parsed, dict):
        return None
    fields: dict[str, object] = {}
    for name, wire in zip(LogLine.__struct_fields__, LogLine.__struct_encode_fields__, strict=True):
        value = parsed.get(wire)
        if wire in _NUMBERS:
            fields[name] = _NUMBERS[wire](value)
        elif name not in _OURS and isinstance(value, str):
            fields[name] = value
        elif wire in _NAMES and isinstance(value, int | float) and not isinstance(value, bool):
            fields[name] = str(value)
    return LogLine(**fields)  # type: ignore[arg-type]
