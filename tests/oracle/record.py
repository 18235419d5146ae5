"""A record, as a run is held against it: read once, however many runs are tried."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from one_trace.engine.failures import StepFailure
from one_trace.record.files import RunFiles
from one_trace.record.flow_files import resolve
from one_trace.runner.loading import FlowUnreadable, Loaded, read
from tests.oracle import results
from tests.oracle.events import ENDS, Line, is_event, read_lines

_RESUMED = "Flow resumed"


@dataclass(frozen=True)
class Part:
    """A run or a resume of it: its lines, and whether it was killed after the last."""

    lines: list[Line]

    @cached_property
    def events(self) -> list[Line]:
        return [line for line in self.lines if is_event(line)]

    @property
    def began(self) -> float:
        return self.lines[0].at

    @property
    def killed(self) -> bool:
        return not any(line.what in ENDS for line in self.lines)

    @cached_property
    def last_saving(self) -> int:
        """The number of its last event after which the state is written, from 1; 0 if there is none."""
        numbers = (number for number, line in enumerate(self.events, 1) if line.what == "step:complete")
        return max(numbers, default=0)


class Record:
    """The flow files, the log and the state that a run left."""

    def __init__(self, files: RunFiles) -> None:
        self.key = files.flow_key
        self.lines = read_lines(files.log)
        self.parts = _parts_of(self.lines)
        self._files = files
        self._flows: dict[str, Loaded] = {}

    @property
    def began(self) -> float:
        """In ms since the epoch."""
        return self.lines[0].at if self.lines else 0

    @property
    def stop_after(self) -> str | None:
        """The step that the run was to stop after, if a flow says that it did."""
        stops = (line.fields.get("stoppedAfter") for line in self.lines if line.what == "flow:stopped")
        return next((step_id for step_id in stops if step_id), None)

    @cached_property
    def state(self) -> results.Skeleton | None:
        """The skeleton of the state; None without one."""
        return results.recorded(self._files.state)

    def find_flow(self, key: str) -> Loaded:
        """Raises StepFailure."""
        if key not in self._flows:
            path = resolve(key, str(self._files.project))
            if not Path(path).exists():
                raise StepFailure(f"Flow not found: {path}")
            try:
                self._flows[key] = read(path, str)
            except FlowUnreadable as error:
                raise StepFailure(str(error)) from error
        return self._flows[key]


def _parts_of(lines: list[Line]) -> list[Part]:
    """The run and its resumes."""
    parts: list[list[Line]] = []
    for line in lines:
        if line.what == _RESUMED or not parts:
            parts.append([])
        parts[-1].append(line)
    return [Part(lines) for lines in parts]
