"""A run in the words of One CLI's human mode, made from the lines that its agent mode prints.

This is the only place that knows the words, for both executors, whether the run is drawn or not.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from one_trace.capture import human_text as text
from one_trace.errors import BROKEN
from one_trace.guard.text import clean_page
from one_trace.runner.command_line import Parsed
from one_trace.view.style import Style

if TYPE_CHECKING:
    from one_trace.record.flows import FlowFile

Event = dict[str, Any]
WARNINGS = {"flow:deprecation": "warning", "flow:warning": "message"}
"""Events that warn, and the field that holds the text."""
_EVENTS = (b'{"event":"step:', b'{"event":"flow:', b'{"event":"workflow:result"')
_RESULT = _EVENTS[2]
_STARTS = ("flow:start", "flow:mock-start")
_ENDS = ("flow:complete", "flow:stopped")
_INSPECT_HOST = ("Inspect step outputs with", "one flow inspect")
_INSPECT_BUILT_IN = ("Look at it", "one trace show")
_COUNTS = ("stepsCompleted", "stepsFailed", "stepsSkipped")


def find_flow(asked: Parsed, project: str, key: str | None = None) -> FlowFile | None:
    """The flow that the command line names, or the one with this `key`."""
    from one_trace.record.flows import FlowFiles

    files = FlowFiles(Path(project))
    named = files.named(asked.argument or "") if asked.command == "execute" else None
    return named or (files.with_key(key) if key else None)


class HumanOutput:
    """Takes the lines of one invocation in order and returns what people see instead.

    `host`: the executor is One CLI, so hints name its commands. `spinner`: nothing is drawn, so a line says
    that the run has started.
    """

    def __init__(
        self, asked: Parsed, project: str, style: Style, *, host: bool, spinner: bool = False
    ) -> None:
        self._asked, self._project, self._style, self._host = asked, project, style, host
        self._resume = asked.command == "resume"
        self._verbose = asked.has("--verbose") and not self._resume
        self._spinner = spinner and not self._verbose and not self._resume
        self._titled = False
        self.start: Event | None = None
        """The event with which the run began."""
        self.result: Event | None = None
        """The last line of the run, without the results of its steps."""
        self._refused = False
        self._counts: list[int] | None = None
        self._dry_run: list[Any] | None = None
        self._target: Event | None = None

    @property
    def over(self) -> bool:
        """Whether the executor has reported how the command ended."""
        return self.result is not None or self._refused

    def take(self, line: bytes, *, mixed: bool = True) -> tuple[Event | None, list[str]]:
        """The event on this line, if there is one, and the lines to show now.

        `mixed`: steps print to the same stream, so the line may be theirs.
        """
        printed, data = _split(line) if mixed else (b"", line)
        shown = self.title()
        if printed:
            shown.append(printed.decode("utf-8", "replace"))
        document = _result(data) if mixed and data.startswith(_RESULT) else _document(data)
        if document is None or (mixed and not self._is_reported(document)):
            # An empty line is shown; what remains of a line after its event is not.
            return None, shown if printed and not data else [*shown, data.decode("utf-8", "replace")]
        return document, shown + self._shown(document)

    def _is_reported(self, document: Event) -> bool:
        """Whether the executor has printed this, and not a step."""
        if document.get("event") == "workflow:result":
            return isinstance(document.get("runId"), str) and isinstance(document.get("status"), str)
        if "event" in document:
            return str(document["event"]).startswith(("flow:", "step:"))
        return self.start is None and isinstance(document.get("error"), str)

    def title(self) -> list[str]:
        """The flow's name, once; nothing if there is no such flow, since the executor says so."""
        if self._titled or self._asked.command != "execute":
            return []
        self._titled = True
        with suppress(*BROKEN):  # a run needs no title
            flow = find_flow(self._asked, self._project)
            return text.title(flow.definition) if flow else []
        return []

    def _started(self) -> list[str]:
        shown = ["◒  Executing workflow..."] if self._spinner else []
        self._spinner = False
        return shown

    def _shown(self, event: Event) -> list[str]:
        """The lines for an event; what belongs to the end of the run is kept until then."""
        name = event.get("event")
        if name is None:
            return self._answer(event)
        if name == "workflow:result":
            self.result = event
            return self._started()
        if name in WARNINGS:
            return text.warning(event.get(WARNINGS[name]), self._style)
        if name in _STARTS and self.start is None:
            self.start = event
            return self._started()
        if name == "flow:dry-run":
            steps = event.get("steps")
            self._dry_run = steps if isinstance(steps, list) else []
            return self._started()
        if name in _ENDS and self.start is not None and event.get("flowKey") == self.start.get("flowKey"):
            self._counts = [_number(event.get(key)) for key in _COUNTS]
        elif name == "step:dry-resolve":
            self._target = event
        elif self._verbose:
            return text.step(event, self._style)
        return []

    def _answer(self, document: Event) -> list[str]:
        """The lines for a document that is not an event."""
        if "workflows" in document:
            return text.flow_table(document["workflows"], self._style)
        if "valid" in document:
            return text.validation(document, self._style)
        self._refused = True
        return text.refusal(document)

    # -- the end

    def end(self) -> list[str]:
        """What human mode prints when a run is over; nothing if the executor has not reported a result."""
        result = self.result
        if result is None:
            return []
        if self._resume:
            return self._end_of_resume(result)
        if result["status"] == "failed":
            ended = [*self._ended("Workflow failed"), *self._where(result)]
            return [*ended, *text.error(f"Workflow failed: {result.get('error')}")]
        return self._end_of_success(result)

    def _end_of_resume(self, result: Event) -> list[str]:
        if result["status"] == "failed":
            return ["◇  Resume failed", *text.error(f"Resume failed: {result.get('error')}")]
        log = text.log(result["logFile"], self._style) if result.get("logFile") else []
        check = self._style.paint("✓", "success")
        return ["◇  Workflow completed", f"  {check} Resumed and completed successfully", *log]

    def _end_of_success(self, result: Event) -> list[str]:
        stopped, style = result["status"] == "stopped", self._style
        dry = self._dry_run is not None and not stopped
        lines = self._ended(
            "Workflow stopped" if stopped else "Dry run complete" if dry else "Workflow completed"
        )
        if result.get("outputFile"):
            lines += text.note(clean_page(f"Full result written to {result['outputFile']}"), "Output")
        if dry:
            return lines + text.dry_run(self._dry_run or [], style)
        if self._counts is not None:
            lines += text.counts(self._counts, style)
        lines += self._where(result)
        if self._target is not None:
            lines += text.target(self._target, style)
        if stopped:
            look, command = _INSPECT_HOST if self._host else _INSPECT_BUILT_IN
            lines += text.stopped(result.get("stoppedAfter"), look, f"{command} {result['runId']}", style)
        elif result.get("dryRun"):
            lines += text.note("Dry run — no steps were executed", "Dry Run")
        return lines

    def _ended(self, how: str) -> list[str]:
        return [] if self._verbose else [f"◇  {how}"]

    def _where(self, result: Event) -> list[str]:
        return text.where(result["runId"], result.get("logFile") or "", self._style)


def _split(line: bytes) -> tuple[bytes, bytes]:
    """What a step has printed without a line end before the next event, and that event."""
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
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _result(data: bytes) -> Event | None:
    """The last line of a run without the results of its steps, which may be large."""
    from msgspec import DecodeError, Raw
    from msgspec.json import decode

    try:
        fields = decode(data, type=dict[str, Raw])
        return {key: decode(value) for key, value in fields.items() if key != "steps"}
    except DecodeError:
        return _document(data)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
