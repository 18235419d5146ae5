"""What all readings of a record share: its goes, its flows, and which line the state was saved with last."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from msgspec import Struct, field

from one_trace.assemble.ground.executions import Execution
from one_trace.assemble.ground.facts import Facts
from one_trace.assemble.ground.flows import Flows
from one_trace.assemble.ground.pairing import Clocks
from one_trace.assemble.ground.script import FLOW_ENDS, UNSAVED, Lines, Script
from one_trace.assemble.ground.stored import Stored
from one_trace.assemble.ground.tried import Tried
from one_trace.record.log import LogLine
from one_trace.record.reading import Record

EXACT, NEAR, ANY = range(3)
LINES = 20_000
"""Lines replayed at most to find a reading of a record, and for all choices that may as well be made
otherwise; a record is replayed once in any case."""


class Mode(NamedTuple):
    """What a reading takes for granted."""

    times: int = EXACT
    """How well times have to fit."""
    at_once: bool = False
    """Leaves that took no time were over in the very tick in which they began."""
    stop_after: str | None = None
    """The step after which the run was to stop, where no line says so."""
    prompt: bool = False
    """Each line was written in the very ms of what it reports."""


class Saved(NamedTuple):
    """The line with which the state was saved last, and whether that is a message of the host itself.
    `failed`: whether it could not be saved at any time; `later`: it was saved after the last line that there
    is."""

    line: int
    by_word: bool
    failed: bool = False
    later: bool = False


class Done(Collection[str]):
    """The steps that a resumed run leaves out: those that had completed, but for one that the log begins."""

    def __init__(self, completed: set[str], script: Script) -> None:
        self._completed, self._script = completed, script

    def __contains__(self, step_id: object) -> bool:
        if str(step_id) not in self._completed:  # a flow file may have anything for an id
            return False
        line = self._script.peek()
        return line is None or line.event != "step:start" or line.step_id != step_id

    def __iter__(self) -> Iterator[str]:
        return iter(self._completed)

    def __len__(self) -> int:
        return len(self._completed)


class Go(Struct, eq=False):
    """The run, or a resume of it: lines `begin` to `end`."""

    number: int
    begin: int
    end: int
    prefix: str
    dry_run: bool = False
    mock: bool = False
    killed: bool = True
    """It has no message of its end."""
    failed: bool = False
    """It has one of its failure, with which the host's process ends."""
    completed: set[str] = field(default_factory=set)

    def done(self, script: Script) -> Collection[str]:
        return Done(self.completed, script) if self.number > 1 else ()


class Ground:
    def __init__(self, record: Record) -> None:
        self.record = record
        self.mode = Mode()
        self.faults: list[str] = []
        self.flows = Flows(record, self.faults)
        self.facts = Facts(record.lines, starts_follow=self.flows.starts_follow)
        self.lines = Lines(record.lines)
        self.clocks = Clocks(self.facts, self.lines)
        self.goes = _goes(record) or [Go(1, 0, 0, record.files.flow_key)]
        self.bare = record.flow is None
        """The engine cannot run these flows: lines are placed by the flow files alone."""
        context = record.state.context if record.state is not None else None
        self.stored = Stored(context, keeps=len(record.lines) <= LINES)
        self.tried: Tried[Any] = Tried(LINES)
        self.replayed = 0
        """Lines, by all readings."""
        self.size = len(record.lines)
        """What a reading takes at most, in lines."""
        failed = _failed_at_once(record.lines)
        self.saved = _saved(record, failed, killed=self.goes[-1].killed)._replace(failed=bool(failed))

    @property
    def stop_after(self) -> str | None:
        return next(iter(self.facts.stopped_after), self.mode.stop_after)

    @property
    def prefix(self) -> str:
        """What paths of the last go begin with."""
        return self.goes[-1].prefix

    def is_logged(self, execution: Execution) -> bool:
        """Whether any line is of its step, if not its own."""
        return execution.lines[0] >= 0 or execution.node.id in self.lines.ids


def _goes(record: Record) -> list[Go]:
    goes: list[Go] = []
    lines, key = record.lines, record.files.flow_key
    completed: set[str] = set()
    for index, line in enumerate(lines):
        if goes and line.event == "step:start":
            continue  # half of all lines
        if not goes or (line.event is None and line.msg == "Flow resumed"):
            if goes:
                goes[-1].end = index
            number = len(goes) + 1
            prefix = key if number == 1 else f"{key}#{number}"
            goes.append(Go(number, index, len(lines), prefix, completed=set(completed)))
        elif line.event == "step:complete" and line.step_id is not None:
            completed.add(line.step_id)
        elif line.event is None:
            goes[-1].killed, goes[-1].failed = False, line.msg.startswith("Flow failed")
        elif line.event == "flow:mock-start":
            goes[-1].mock = True
        elif line.event in ("flow:dry-run", "step:dry-resolve"):
            goes[-1].dry_run = True
    return goes


def _saved(record: Record, failed: set[int], *, killed: bool) -> Saved:
    state, lines = record.state, record.lines
    if state is None:
        return Saved(-1, by_word=False)
    saves = [
        index
        for index, line in enumerate(lines)
        if line.event == "step:complete"
        and not (index in failed and (lines[index + 1].error or "").startswith(UNSAVED))
    ]
    if state.status not in ("completed", "failed"):
        count = state.saves
        if count is not None and count <= len(saves):
            return Saved(saves[count - 1] if count else -1, by_word=False)
        return Saved(saves[-1] if saves else -1, by_word=False)
    words = [
        index for index, line in enumerate(lines) if line.event is None and not line.msg.endswith("started")
    ]
    last_word = words[-1] if words else -1
    last_save = saves[-1] if saves else -1
    cut = killed and bool(lines) and lines[-1].event not in FLOW_ENDS
    return Saved(max(last_word, last_save), by_word=last_word > last_save, later=cut)


def _failed_at_once(lines: list[LogLine]) -> set[int]:
    """The lines of completed steps after which the very step failed, as it does where it cannot be saved."""
    return {
        index - 1
        for index, line in enumerate(lines)
        if line.event == "step:error" and index and _is_end_of(lines[index - 1], line.step_id)
    }


def _is_end_of(line: LogLine, step_id: str | None) -> bool:
    return line.event == "step:complete" and line.step_id == step_id
