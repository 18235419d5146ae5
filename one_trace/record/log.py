"""The log: one JSON object a line, `ts`, `level`, `msg`, then the fields of the event."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec

from one_trace.model.times import to_ms
from one_trace.record.state import UNREADABLE, Count, Number, believed, counted, replace_surrogates


class LogLine(msgspec.Struct, rename="camel", gc=False):
    """One line of the log. `at` is `ts` in epoch ms; `event` is null for lines that are no event (``Flow
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
    run_id: str | None = None
    attempt: Count | None = None
    delay_ms: Number | None = None
    max_retries: Count | None = None
    stopped_after: str | None = None
    message: str | None = None
    strategy: str | None = None
    at: int = 0
    host_ms: Number | None = None
    """`duration_ms` as the executor wrote it, where its clock was set meanwhile and it is set right here."""

    @property
    def begun(self) -> int | None:
        """`timestamp` in epoch ms: the step's own clock, which mostly says what the log's does."""
        return self.at if self.timestamp == self.ts else to_ms(self.timestamp)

    @property
    def told_ms(self) -> int | float | None:
        """The duration as the executor wrote it, and as it stands in its state."""
        return self.duration_ms if self.host_ms is None else self.host_ms


_lines = msgspec.json.Decoder(LogLine)
_NUMBERS: dict[str, Callable[[object], object]] = {
    "durationMs": believed,
    "delayMs": believed,
    "retries": counted,
    "attempt": counted,
    "maxRetries": counted,
}
_NAMES = ("stepId", "stepName")
"""Sub-flows are not validated: these may be numbers in their files, and so in the log."""


def read_log(data: bytes | bytearray, started: int | None = None) -> tuple[list[LogLine], list[str]]:
    """The lines of a log, and what is wrong with it, one sentence a fault. `started`: when the state says
    that the run began, epoch ms.

    Lines end in ``\\n`` alone: U+2028, U+2029 and U+0085 stand raw in them. A line that cannot be read is
    left out and named.
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
    """A line without a readable time still says what happened: it is put where it stands, with the time
    before it; the first of all with the next that can be read, else with the run's start."""
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
        try:
            lines.append(_lines.decode(row))
        except UNREADABLE:
            line = _lenient(row)
            if line is not None:
                lines.append(line)
            elif number == len(rows):
                faults.append(f"the log is cut in line {number}")
            else:
                faults.append(f"line {number} of the log cannot be read")
    return lines


def _lenient(row: bytes | bytearray) -> LogLine | None:
    """A line that is JSON, but not quite ours: fields of another type go, lone surrogates are replaced."""
    fixed = bytearray(row)
    replace_surrogates(fixed)
    try:
        found = json.loads(fixed.decode())
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    fields: dict[str, object] = {}
    for name, wire in zip(LogLine.__struct_fields__, LogLine.__struct_encode_fields__, strict=True):
        value = found.get(wire)
        if wire in _NUMBERS:
            fields[name] = _NUMBERS[wire](value)
        elif name not in ("at", "host_ms") and isinstance(value, str):
            fields[name] = value
        elif wire in _NAMES and isinstance(value, int | float) and not isinstance(value, bool):
            fields[name] = str(value)
    return LogLine(**fields)  # type: ignore[arg-type]
