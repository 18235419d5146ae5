"""A record, read: the log's lines, the state, the flow files, and what is wrong with them."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from one_trace.errors import RecordError
from one_trace.guard.files import LOG_LIMIT, STATE_LIMIT, read_plain, read_start
from one_trace.model.times import to_ms
from one_trace.record.course import Course, set_right
from one_trace.record.fields import other_fields
from one_trace.record.files import RunFiles
from one_trace.record.flows import FlowFile, FlowFiles
from one_trace.record.log import LogLine, read_log
from one_trace.record.sizes import Sizes, read_sizes
from one_trace.record.state import ABSENT, State, raw_list, read_result, read_state, started_at

_SAME_CLOCK_MS = 2_000.0
"""A log's last line is written when it says, where it has not been copied, by clocks no further apart."""


@dataclass
class Record:
    """All that is left of a run. `faults`: what is missing or damaged, one sentence each. `sizes`: what was
    measured while it ran, if anything was. `other_fields`: names of fields that are not known, by event.
    `course`: when the clock was set back."""

    files: RunFiles
    lines: list[LogLine]
    state: State | None
    flows: FlowFiles
    flow: FlowFile | None
    started_at: str | None = None
    faults: list[str] = field(default_factory=list)
    sizes: Sizes = field(default_factory=dict)
    other_fields: dict[str, list[str]] = field(default_factory=dict)
    course: Course = field(default_factory=Course)

    def changed_since(self, paths: Iterable[Path]) -> bool:
        """Whether one of these files was written after the run was, or, where the clocks of the log and of
        the file system agree, after it had begun. A run that was copied with its flow tells nothing."""
        written = max((_written_ms(path) for path in (self.files.log, self.files.state) if path), default=0.0)
        started = to_ms(self.started_at)
        copied = not self.lines or abs(self.lines[-1].at - written) > _SAME_CLOCK_MS
        begun = written if started is None or copied else started
        return any(_written_ms(path) >= begun + 1 for path in paths)


def _written_ms(path: Path) -> float:
    try:
        return path.stat().st_mtime_ns / 1e6
    except OSError:
        return 0.0


def read(files: RunFiles) -> Record:
    """Read what is left of a run. Raises RecordError where neither log nor state can be read at all."""
    faults: list[str] = []
    log_bytes = _bytes(files.log, "log", faults, lambda path: _log(path, faults))
    state_bytes = _bytes(files.state, "state", faults, lambda path: read_plain(path, STATE_LIMIT))
    if log_bytes is None and state_bytes is None:
        raise RecordError(f"run {files.run_id} of {files.flow_key}: {'; '.join(faults)}")
    state, why = read_state(state_bytes) if state_bytes is not None else (None, None)
    astray = state is not None and (state.run_id != files.run_id or state.flow_key != files.flow_key)
    begun = None if astray else state.started_at if state else started_at(state_bytes or _start(files.state))
    lines, wrong = read_log(log_bytes or b"", to_ms(begun))
    faults += wrong
    if log_bytes is not None and not lines:
        faults.append("the log is empty")
    if why:
        faults.append(why)
    if state is not None and astray:
        faults.append(f"the state file is of another run ({state.flow_key} {state.run_id})")
        state = None
    if state is None and not lines:
        raise RecordError(f"run {files.run_id} of {files.flow_key}: {'; '.join(faults)}")
    flows = FlowFiles(files.project)
    flow = _root_flow(flows, files)
    if flow is None:
        faults.append(f"the flow file of {files.flow_key} is not found")
    course, unsteady = set_right(lines, to_ms(begun), partial(_longest_inside, state))
    faults += unsteady
    return Record(
        files,
        lines,
        state,
        flows,
        flow,
        begun,
        faults,
        sizes=read_sizes(files.sizes, files.run_id),
        other_fields=other_fields(log_bytes or b"", lines),
        course=course,
    )


def _longest_inside(state: State | None, step_id: str, lasted: float) -> float:
    """The longest that a child of a parallel block took, by the block's result."""
    block = read_result(state.context.steps.get(step_id, ABSENT)) if state and state.context else None
    if block is None or block.duration_ms != lasted:
        return 0
    found = (read_result(raw) for raw in raw_list(block.output) or ())
    return max((each.duration_ms for each in found if each and each.duration_ms), default=0)


def _root_flow(flows: FlowFiles, files: RunFiles) -> FlowFile | None:
    if files.flow:
        called = flows.named(files.flow)
        if called is not None and called.key == files.flow_key:
            return called
    return flows.with_key(files.flow_key)


def _bytes(
    path: Path | None, what: str, faults: list[str], read: Callable[[Path], bytearray]
) -> bytearray | None:
    if path is None:
        faults.append(f"the {what} is not found")
        return None
    try:
        return read(path)
    except OSError as error:
        faults.append(f"the {what} cannot be read ({error.strerror or error}{_size(path, error)})")
        return None


def _log(path: Path, faults: list[str]) -> bytearray:
    """A log is of use without its end."""
    try:
        return read_plain(path, LOG_LIMIT)
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        faults.append(f"the log is read in part: it {error.strerror}{_size(path, error)}")
        start = read_start(path, LOG_LIMIT)
        return bytearray(start[: start.rfind(b"\n") + 1])


def _start(path: Path | None) -> bytes:
    """Where a state too large to be read says when the run began."""
    try:
        return read_start(path, 4096) if path else b""
    except OSError:
        return b""


def _size(path: Path, error: OSError) -> str:
    return f": {path.stat().st_size:,} bytes" if error.errno == errno.EFBIG else ""
