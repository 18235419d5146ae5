"""What is known of a run when it is asked what to edit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from one_trace.analyse.edit import Edit
from one_trace.model.trace import Cause, Location, PlannedStep, Span, Trace
from one_trace.model.tree import static_paths
from one_trace.record.flows import FlowFile

CONFIG = {"file-read": "fileRead", "file-write": "fileWrite"}
NESTED = ("steps", "then", "else")
_DEEPEST = 30
_MOST_BYTES = 4 << 20
UNKNOWN = object()


class Written(NamedTuple):
    """A step as it is written now: in which flow, whose file is shown as `file`, and where in it."""

    step: dict[str, Any]
    flow: FlowFile
    file: str
    pointer: str

    @property
    def type(self) -> str:
        return str(self.step.get("type"))

    @property
    def key(self) -> str:
        """The member with its configuration."""
        return CONFIG.get(self.type, self.type)

    @property
    def config(self) -> dict[str, Any]:
        config = self.step.get(self.key)
        return config if isinstance(config, dict) else {}

    def at(self, part: str = "") -> Location:
        """The place of a part; its line is that of what holds it where it is not there yet."""
        return place(self.flow, self.file, f"{self.pointer}/{part}" if part else self.pointer)

    def texts(self) -> Iterator[tuple[str, str]]:
        """Its own texts, by part (``bash/command``), without those of the steps in it."""
        todo: list[tuple[str, object]] = [
            (key, value) for key, value in self.step.items() if key not in ("id", "name", "type", self.key)
        ]
        todo += [(f"{self.key}/{key}", value) for key, value in self.config.items() if key not in NESTED]
        while todo:
            part, value = todo.pop()
            if isinstance(value, str):
                yield part, value
            elif part.count("/") < _DEEPEST and isinstance(value, dict):
                todo += [(f"{part}/{escaped(key)}", inner) for key, inner in value.items()]
            elif part.count("/") < _DEEPEST and isinstance(value, list):
                todo += [(f"{part}/{at}", inner) for at, inner in enumerate(value)]


class Evidence(NamedTuple):
    """`earlier`: the plan of the last run before that succeeded, if it is known. `written`: the step with an
    id at a place, as it is now. `flow`: a flow by its key, and the name of its file. `outputs`: raw outputs
    by span id. `inputs`: those that the run was given. `is_set`: whether a variable is set here."""

    trace: Trace
    plan: Mapping[str, PlannedStep]
    earlier: Mapping[str, PlannedStep]
    written: Callable[[Location | None, str], Written | None]
    flow: Callable[[str], tuple[FlowFile, str] | None]
    outputs: Callable[[Sequence[str]], Mapping[str, bytes]]
    inputs: Callable[[], Mapping[str, Any] | None]
    is_set: Callable[[str], bool]

    def output(self, span: Span) -> Any:  # noqa: ANN401  whatever JSON holds
        """A step's output; `UNKNOWN` where the state does not hold it, or it is too large to look into."""
        raw = self.outputs([span.span_id]).get(span.span_id)
        try:
            return msgspec.json.decode(raw) if raw is not None and len(raw) <= _MOST_BYTES else UNKNOWN
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return UNKNOWN

    @property
    def cause(self) -> Cause | None:
        return self.trace.run.cause or None

    def span(self, span_id: str | None) -> Span | None:
        return next((span for span in self.trace.spans if span.span_id == span_id), None)

    def step_of(self, span: Span) -> Written | None:
        """The step that a span is of."""
        path = static_paths(self.trace.run.flow_key, self.trace.spans)[span.span_id]
        planned = self.plan.get(path)
        at = planned.at if planned is not None else None
        if at is None and self.cause is not None and self.cause.span_id == span.span_id:
            at = self.cause.at
        return self.written(at, span.step_id)

    def with_line(self, edit: Edit) -> Edit:
        """The edit with the line of its place."""
        at, step_id = edit.at, edit.path.rpartition(" > ")[2]
        planned = self.plan.get(edit.path)
        written = self.written(planned.at, step_id) if planned is not None else None
        if at is not None and written is not None:
            edit.at = place(written.flow, at.file, at.pointer)
        return edit


def place(flow: FlowFile, file: str, pointer: str) -> Location:
    """A place in a flow file, with its line: that of what holds it where it is not there."""
    above = pointer
    while (line := flow.line_of(above)) is None and above:
        above = above.rpartition("/")[0]
    return Location(file=file, pointer=pointer, line=line)


def escaped(name: str) -> str:
    """A name in a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")
