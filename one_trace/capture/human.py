"""What an executor says in agent mode, told to people in the words of its human mode."""

from __future__ import annotations

from typing import Any

import msgspec

from one_trace.guard.text import clean
from one_trace.runner import human
from one_trace.runner.console import Console

Event = dict[str, Any]
_EVENTS = (b'{"event":"step:', b'{"event":"flow:', b'{"event":"workflow:result"')
_RESULT = _EVENTS[2]
_BEGINNINGS = ("flow:start", "flow:mock-start")
_ENDS = ("flow:complete", "flow:stopped")
_LOOK_HOST = ("Inspect step outputs with", "one flow inspect")
_LOOK_OURS = ("Look at it", "one trace show")
_COUNTS = ("stepsCompleted", "stepsFailed", "stepsSkipped")


class Result(msgspec.Struct, rename="camel"):
    """The last line of a run, but for what its steps gave."""

    run_id: str
    status: str
    log_file: str | None = None
    error: str | None = None
    output_file: str | None = None
    stopped_after: str | None = None
    dry_run: bool = False


class HumanOutput:
    """Takes in an executor's lines; tells which are events, and what is to be said of the others.

    `host`: it is One CLI, whose own commands are named. `verbose`: a line for each step, as `-v` asks.
    """

    def __init__(self, console: Console, *, host: bool, resume: bool, verbose: bool) -> None:
        self._console, self._resume = console, resume
        self._look = _LOOK_HOST if host else _LOOK_OURS
        self._verbose = verbose and not resume
        self.begun: Event | None = None
        """The event with which the run began."""
        self._result: Result | None = None
        self._refused: list[str] = []
        self._counts: list[int] | None = None
        self._resolved: list[Any] | None = None
        self._target: Any = None

    def take(self, line: bytes) -> tuple[Event | None, list[str]]:
        """One line: the event it is, if it is one, and what is to be said now."""
        noise, data = _apart(line)
        said = [noise.decode("utf-8", "replace")] if noise else []
        if data.startswith(_RESULT):
            try:
                self._result = msgspec.json.decode(data, type=Result)
            except msgspec.DecodeError:
                return None, [*said, data.decode("utf-8", "replace")]
            return None, said
        document = _document(data)
        if document is None or not self._is_ours(document):
            # An empty line is somebody's empty line; of a line that ends in an event there is no rest.
            return None, said if noise and not data else [*said, data.decode("utf-8", "replace")]
        return document, said + [self._console.shown(words) for words in self._words(document)]

    def _is_ours(self, document: Event) -> bool:
        if "event" in document:
            return str(document["event"]).startswith(("flow:", "step:"))
        # What stopped a command before anything ran: no step can have printed it.
        return self.begun is None and isinstance(document.get("error"), str)

    def _words(self, event: Event) -> list[str]:
        """What is said of an event at once; what is told at the end is kept."""
        name, console = event.get("event"), self._console
        if name is None:
            self._refused.append(_refusal(event))
        elif name in _BEGINNINGS and self.begun is None:
            self.begun = event
        elif name == "flow:deprecation":
            return [console.yellow(f"⚠ {event.get('warning')}")]
        elif name == "flow:warning":
            return [console.yellow(f"⚠ {event.get('message')}")]
        elif name in _ENDS and self.begun is not None and event.get("flowKey") == self.begun.get("flowKey"):
            self._counts = [_number(event.get(key)) for key in _COUNTS]
        elif name == "flow:dry-run":
            steps = event.get("steps")
            self._resolved = steps if isinstance(steps, list) else []
        elif name == "step:dry-resolve":
            self._target = event
        elif self._verbose:
            told = human.step_line(console, event)
            return [told] if told else []
        return []

    # -- the end

    @property
    def over(self) -> bool:
        """Whether the executor has said what came of it."""
        return self._result is not None or bool(self._refused)

    @property
    def run_id(self) -> str | None:
        """The run's id, which only the last line says."""
        return self._result.run_id if self._result is not None else None

    def end(self) -> None:
        """Say on the console what human mode says when a run is over, or when it was not to be."""
        console, result = self._console, self._result
        if result is None:
            for message in self._refused:
                console.error(message)
        elif self._resume:
            self._end_of_resume(result)
        elif result.status == "failed":
            self._done("Workflow failed")
            self._where(result)
            console.error(f"Workflow failed: {result.error}")
        else:
            self._end_well(result)

    def _end_of_resume(self, result: Result) -> None:
        console = self._console
        if result.status == "failed":
            console.say("◇  Resume failed")
            console.error(f"Resume failed: {result.error}")
            return
        console.say("◇  Workflow completed")
        console.line(f"  {console.green('✓')} Resumed and completed successfully")
        if result.log_file:
            console.line(f"  {console.dim(f'Log: {result.log_file}')}")

    def _end_well(self, result: Result) -> None:
        console, stopped = self._console, result.status == "stopped"
        dry = self._resolved is not None and not stopped
        self._done("Workflow stopped" if stopped else "Dry run complete" if dry else "Workflow completed")
        if result.output_file:
            console.note(f"Full result written to {result.output_file}", "Output")
        if dry:
            human.dry_run(console, self._resolved or [])
            return
        if self._counts is not None:
            human.counts(console, *self._counts)
        self._where(result)
        if self._target is not None:
            human.target(console, self._target)
        if stopped:
            look, command = self._look
            human.stopped(
                console, result.stopped_after, f"{look}: {console.cyan(f'{command} {result.run_id}')}"
            )
        elif result.dry_run:
            human.nothing_ran(console)

    def _done(self, words: str) -> None:
        if not self._verbose:
            self._console.say(f"◇  {words}")

    def _where(self, result: Result) -> None:
        human.where(self._console, result.run_id, result.log_file or "")


def _apart(line: bytes) -> tuple[bytes, bytes]:
    """What a step printed without a line's end stands before the next event: that, and the event."""
    if line.startswith(_EVENTS) or b'{"event":"' not in line:
        return b"", line
    for mark in _EVENTS:
        at = line.rfind(mark)
        if at > 0 and _document(line[at:]) is not None:
            return line[:at], line[at:]
    return b"", line


def _document(data: bytes) -> Event | None:
    if not data.startswith(b"{"):
        return None
    try:
        document = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _refusal(document: Event) -> str:
    """A bare error as human mode words it."""
    problems = document.get("errors")
    if not isinstance(problems, list):
        return str(document["error"])
    lines = [clean(f"  {one.get('path')}: {one.get('message')}") for one in problems if isinstance(one, dict)]
    return "\n".join([f"{document['error']}:", *lines])


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
