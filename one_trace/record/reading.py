"""Reads a record: the log's lines, the state, the flow files, and what is wrong with them."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from msgspec import Struct

from one_trace.errors import RecordError
from one_trace.guard.files import LOG_LIMIT, STATE_LIMIT, read_plain, read_start
from one_trace.model.times import to_ms
from one_trace.record.clock import correct
from one_trace.record.files import RunFiles
from one_trace.record.flows import FlowFile, FlowFiles
from one_trace.record.log import LogLine, read_log
from one_trace.record.sizes import Sizes, read_sizes
from one_trace.record.state import State, read_result, read_state, started_at
from one_trace.record.tolerant import ABSENT, raw_items
from one_trace.record.unknown_fields import unknown_fields

_SAME_CLOCK_MS = 2_000.0
"""A log that was not copied is last written to at the time of its last line, within this."""


class Record(Struct):
    """What is left of a run. `faults`: what is missing or damaged, one sentence each. `sizes`: what was
    measured while it ran, if anything. `unknown_fields`: their names by event."""

    files: RunFiles
    lines: list[LogLine]
    state: State | None
    flows: FlowFiles
    flow: FlowFile | None
    started_at: str | None = None
    faults: list[str] = []
    sizes: Sizes = {}
    unknown_fields: dict[str, list[str]] = {}

    def changed_since(self, paths: Iterable[Path]) -> bool:
        """Whether one of these files was written after the record was or, if the clocks of the log and of the
        file system agree, after the run had started. Times of a copied record show nothing."""
        written = max((_written_ms(path) for path in (self.files.log, self.files.state) if path), default=0.0)
        started = to_ms(self.started_at)
        copied = not self.lines or abs(self.lines[-1].at - written) > _SAME_CLOCK_MS
        since = written if started is None or copied else started
        return any(_written_ms(path) >= since + 1 for path in paths)


def _written_ms(path: Path) -> float:
    try:
        return path.stat().st_mtime_ns / 1e6
    except OSError:
        return 0.0


def read(files: RunFiles) -> Record:
    """Read the record of a run. Raises RecordError if neither log nor state can be read."""
    faults: list[str] = []
    log_bytes = _bytes(files.log, "log", faults, lambda path: _log_bytes(path, faults))
    state_bytes = _bytes(files.state, "state", faults, lambda path: read_plain(path, STATE_LIMIT))
    if log_bytes is None and state_bytes is None:
        raise _unreadable(files, faults)
    state, started, wrong = _state(files, state_bytes)
    lines, wrong_lines = read_log(log_bytes or b"", to_ms(started))
    faults += wrong_lines
    if log_bytes is not None and not lines:
        faults.append("the log is empty")
    faults += wrong
    if state is None and not lines:
        raise _unreadable(files, faults)
    flows = FlowFiles(files.project)
    flow = _root_flow(flows, files)
    if flow is None:
        faults.append(f"the flow file of {files.flow_key} is missing")
    faults += correct(lines, to_ms(started), partial(_longest_child, state))
    sizes, unknown = read_sizes(files.sizes, files.run_id), unknown_fields(log_bytes or b"", lines)
    return Record(files, lines, state, flows, flow, started, faults, sizes, unknown)


def _unreadable(files: RunFiles, faults: list[str]) -> RecordError:
    return RecordError(f"run {files.run_id} of {files.flow_key}: {'; '.join(faults)}")


def _state(files: RunFiles, data: bytearray | None) -> tuple[State | None, str | None, list[str]]:
    """The state, when the run started, and what is wrong with the state."""
    state, wrong = read_state(data) if data is not None else (None, None)
    if state is None:
        return None, started_at(data or _start(files.state)), [wrong] if wrong else []
    if state.run_id == files.run_id and state.flow_key == files.flow_key:
        return state, state.started_at, []
    return None, None, [f"the state file belongs to another run ({state.flow_key} {state.run_id})"]


def _longest_child(state: State | None, step_id: str, duration: float) -> float:
    """The longest duration of a child of a parallel block, by the block's result."""
    block = read_result(state.context.steps.get(step_id, ABSENT)) if state and state.context else None
    if block is None or block.duration_ms != duration:
        return 0
    results = (read_result(raw) for raw in raw_items(block.output) or ())
    return max((each.duration_ms for each in results if each and each.duration_ms), default=0)


def _root_flow(flows: FlowFiles, files: RunFiles) -> FlowFile | None:
    called = flows.named(files.flow) if files.flow else None
    if called is not None and called.key == files.flow_key:
        return called
    return flows.with_key(files.flow_key)


def _bytes(
    path: Path | None, what: str, faults: list[str], read: Callable[[Path], bytearray]
) -> bytearray | None:
    if path is None:
        faults.append(f"the {what} is missing")
        return None
    try:
        return read(path)
    except OSError as error:
        faults.append(f"the {what} cannot be read ({error.strerror or error}{_size(path, error)})")
        return None


def _log_bytes(path: Path, faults: list[str]) -> bytearray:
    """The log; only its beginning if it is too large."""
    try:
        return read_plain(path, LOG_LIMIT)
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        faults.append(f"only the beginning of the log is read: it {error.strerror}{_size(path, error)}")
        start = read_start(path, LOG_LIMIT)
        return bytearray(start[: start.rfind(b"\n") + 1])


def _start(path: Path | None) -> bytes:
    """The beginning of a state that is too large to be read."""
    try:
        return read_start(path, 4096) if path else b""
    except OSError:
        return b""


def _size(path: Path, error: OSError) -> str:
    return f": {path.stat().st_size:,} bytes" if error.errno == errno.EFBIG else ""
