"""`trace show --follow`: a run that is under way, drawn (or printed as JSON Lines) as its log grows.

It ends when the record says that the run is over, and when no process is left that could go on with it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from one_trace.analyse.run_refs import RUNNING
from one_trace.assemble import assemble
from one_trace.capture.under_way import ActiveRun, files_now
from one_trace.cli import running
from one_trace.cli.out import Out
from one_trace.cli.stored import trace_of
from one_trace.errors import CliError, NoSuchRun
from one_trace.guard.files import open_plain
from one_trace.guard.text import json_bytes
from one_trace.model.times import to_ms
from one_trace.model.trace import Trace
from one_trace.record.files import discover
from one_trace.record.flows import FlowFiles
from one_trace.record.reading import read

if TYPE_CHECKING:
    from one_trace.view.live_plan import Plan

POLL_S = 0.1
_WAIT_S = 0.25
"""Between looks for a run: each looks at all processes."""
_SETTLE_S = 1.0
"""How long the host may take from the last line of its log to its end: it saves its state meanwhile."""
_ENDED = ("Flow completed", "Flow failed", "Flow completed after resume", "Flow failed after resume")
_RESUMED = "Flow resumed"
_EVENT_FIELDS = (
    *("flowKey", "stepId", "type", "status", "durationMs", "retries"),
    *("attempt", "maxRetries", "delayMs", "reason"),
)
"""The fields of a line of the log that an event line has; errors stand in the answer at the end."""

Line = Mapping[str, object]


class Timeout(CliError):
    """`--timeout` is over before a run has begun."""

    code = "timeout"


class Followed(msgspec.Struct):
    """`trace`: what the record holds. `interrupted`: the reader has stopped it with Ctrl-C."""

    trace: Trace
    interrupted: bool = False


class _Deadline:
    """When `--timeout` is over; never, where it is not given."""

    def __init__(self, timeout_s: float | None) -> None:
        self._at = None if timeout_s is None else time.monotonic() + timeout_s

    def is_over(self) -> bool:
        return self._at is not None and time.monotonic() >= self._at


def follow(ref: str, speaker: Out, timeout_s: float | None = None) -> Followed:
    """Follow the run that `ref` means until it ends; ``running``: the one under way, else the next to begin.

    A run that is not under way is returned at once. Raises NoSuchRun, Timeout, RecordError, StoreError.
    """
    deadline = _Deadline(timeout_s)
    run = _awaited(speaker, deadline) if ref == RUNNING else running.find(ref)
    if run is None:
        return Followed(_ended(ref))
    interrupted = False
    try:
        _watch(run, speaker, deadline)
    except KeyboardInterrupt:
        interrupted = True
        if not speaker.agent:
            speaker.note("")
    return Followed(assemble(read(files_now(run))).trace, interrupted)


def _ended(ref: str) -> Trace:
    """A run that is not under way: from the store, else from its record in this folder. Raises NoSuchRun."""
    try:
        return trace_of(ref)
    except NoSuchRun:
        runs, _ = discover([Path.cwd()])
        found = [run for run in runs if run.run_id.startswith(ref)]
        if len(found) != 1:
            raise
        return assemble(read(found[0])).trace


def _awaited(speaker: Out, deadline: _Deadline) -> ActiveRun:
    """The run that is under way here, else the next one that begins."""
    run = running.newest()
    if run is None:
        line = "No run is under way here. Waiting for the next one; Ctrl-C stops this."
        speaker.note(line, event="trace:waiting", cwd=str(Path.cwd()))
    while run is None:
        if deadline.is_over():
            raise Timeout("no run has begun", hint="one flow execute my-flow --trace")
        time.sleep(_WAIT_S)
        run = running.newest()
    return run


def _watch(run: ActiveRun, speaker: Out, deadline: _Deadline) -> None:
    """Show the log's lines until the run is over, or `deadline`."""
    lines = _lines(run, deadline)
    if speaker.agent:
        for line in lines:
            event = _event(line, run.files.run_id)
            if event is not None:
                speaker.write(json_bytes(event) + b"\n")
    elif not sys.stderr.isatty():
        for _ in lines:
            pass
    else:
        _draw(run, lines)
    if deadline.is_over() and run.is_alive():
        speaker.note("--timeout is over; the run goes on.", event="trace:timeout", runId=run.files.run_id)


def _draw(run: ActiveRun, lines: Iterator[Line]) -> None:
    from one_trace.view.live_plan import plan_of
    from one_trace.view.screen import Screen

    files = run.files
    flows = FlowFiles(files.project)

    def called(name: str) -> Plan | None:
        flow = flows.named(name)
        return plan_of(flow.definition) if flow else None

    flow = flows.with_key(files.flow_key)
    plan = plan_of(flow.definition) if flow else None
    with Screen(files.flow_key, sys.stderr, plan, called) as screen:
        for line in lines:
            screen.feed(line, ago_ms=_ago(line.get("ts")))


def _ago(written: object) -> float:
    """How long ago a line was written, in ms."""
    at = to_ms(written) if isinstance(written, str) else None
    return max(0.0, time.time() * 1000 - at) if at is not None else 0.0


def _event(line: Line, run_id: str) -> dict[str, object] | None:
    """The event of a line of the log, without its texts; None of a line that is no event."""
    event = line.get("event")
    if not isinstance(event, str):
        return None
    fields = {name: line[name] for name in _EVENT_FIELDS if isinstance(line.get(name), str | int | float)}
    return {"event": event, "runId": run_id, **fields, "timestamp": line.get("ts")}


def _lines(run: ActiveRun, deadline: _Deadline) -> Iterator[Line]:
    """The lines of the run's log, present and future, until it is over."""

    def may_wait() -> bool:
        if deadline.is_over() or not run.is_alive():
            return False
        time.sleep(POLL_S)
        return True

    log = _opened(run.log, may_wait)
    if log is None:
        return
    # The end that the log of a resumed run begins with is that of the run before.
    yield from tail(log, may_wait, old=os.fstat(log).st_size if run.resumed else 0)
    for _ in range(int(_SETTLE_S / POLL_S)):
        if not may_wait():
            return


def _opened(path: Path, may_wait: Callable[[], bool]) -> int | None:
    """A descriptor of the log, once there is one."""
    while True:
        with suppress(FileNotFoundError):
            return open_plain(path)
        if not may_wait():
            return None


def tail(log: int, may_wait: Callable[[], bool], *, old: int = 0) -> Iterator[Line]:
    """The lines of a log (a descriptor, which is closed) until the flow ends, or `may_wait`, which is asked
    where there is nothing more to read, returns False. An end within the first `old` bytes does not count.
    """
    ended = False
    rest = b""
    at = 0
    with os.fdopen(log, "rb") as file:
        while True:
            data = file.read(1 << 20)
            if not data:
                if ended or not may_wait():
                    data = file.read()  # written while we waited
                    if not data:
                        return
                else:
                    continue
            *rows, rest = (rest + data).split(b"\n")
            for row in rows:
                at += len(row) + 1
                line = _line(row)
                if line is None:
                    continue
                ended = at > old and (line.get("msg") in _ENDED or (ended and line.get("msg") != _RESUMED))
                yield line


def _line(row: bytes) -> Line | None:
    try:
        line = msgspec.json.decode(row)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return line if isinstance(line, dict) else None
