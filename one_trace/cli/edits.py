"""What to edit, for `trace show` and `trace diff`: the evidence is read from the store and the project."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from one_trace.analyse.edit import MOST, Edit, changed
from one_trace.answers.edits import edits_of
from one_trace.answers.edits.evidence import Evidence, Written, place
from one_trace.errors import RecordError
from one_trace.guard.text import path_of
from one_trace.model.times import to_ms
from one_trace.model.trace import Location, PlannedStep, Run, Trace
from one_trace.model.wanted import Wanted
from one_trace.outbound.redact import redactor
from one_trace.record.flows import FlowFile, FlowFiles, read_flow
from one_trace.record.pointer import value_at

if TYPE_CHECKING:
    from one_trace.history.protocol import History
    from one_trace.record.reading import Record


def after(history: History, trace: Trace, plan: Mapping[str, PlannedStep]) -> list[Edit]:
    """What to edit after a run that did not succeed. `plan`: of its flow."""
    run = trace.run
    if not run.cwd:
        return []
    good = _last_good(history, run)
    earlier = history.planned(good) if good is not None else {}
    files, state = FlowFiles(path_of(run.cwd)), _State(run)
    evidence = Evidence(
        trace=trace,
        plan=plan,
        earlier=earlier,
        written=_written(path_of(run.cwd)),
        flow=lambda key: _named(files, key),
        outputs=state.outputs,
        inputs=state.inputs,
        is_set=lambda name: name in os.environ,
    )
    return _redacted(edits_of(evidence))


def between(history: History, before: Trace, after: Trace) -> list[Edit]:
    """What an edit of the flow between two runs has changed."""
    if before.run.flow_key != after.run.flow_key or not after.run.cwd:
        return []
    old, new = (history.planned(trace.run.trace_id) for trace in (before, after))
    written = _written(path_of(after.run.cwd))
    found = []
    for edit in list(changed(old, new))[:MOST]:
        step = written(new[edit.path].at, edit.path.rpartition(" > ")[2]) if edit.path in new else None
        if edit.at is not None and step is not None:
            edit.at = place(step.flow, edit.at.file, edit.at.pointer)
        found.append(edit)
    return found


def _last_good(history: History, run: Run) -> str | None:
    """The trace id of the last run of the flow before this one that succeeded here."""
    earlier = Wanted(run.flow_key, "success", project=run.cwd, until=to_ms(run.started_at))
    found = history.runs(earlier, limit=1)
    return found[0].trace_id if found else None


def _written(project: Path) -> Callable[[Location | None, str], Written | None]:
    read = cache(lambda file: read_flow(project / file))

    def written(at: Location | None, step_id: str) -> Written | None:
        flow = read(at.file) if at is not None else None
        step = value_at(flow.definition, at.pointer) if flow is not None and at is not None else None
        if flow is None or at is None or not isinstance(step, dict) or step.get("id") != step_id:
            return None
        return Written(step, flow, at.file, at.pointer)

    return written


def _named(files: FlowFiles, key: str) -> tuple[FlowFile, str] | None:
    flow = files.with_key(key)
    return (flow, files.shown(flow)) if flow is not None else None


class _State:
    """What the state file of a run holds now; each output is read once."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._read: dict[str, bytes] = {}

    def outputs(self, span_ids: Sequence[str]) -> Mapping[str, bytes]:
        from one_trace.assemble import assemble

        record = self._record
        unread = [span_id for span_id in span_ids if span_id not in self._read]
        if record is not None and unread:
            try:
                self._read |= assemble(record, unread).outputs
            except (RecordError, OSError):
                return {}
        return self._read

    def inputs(self) -> Mapping[str, Any] | None:
        state = self._record.state if self._record is not None else None
        try:
            inputs = msgspec.json.decode(state.inputs) if state is not None else None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return inputs if isinstance(inputs, dict) else None

    @cached_property
    def _record(self) -> Record | None:
        from one_trace.record.reading import read
        from one_trace.record.search import find_by_id

        files = find_by_id(path_of(self._run.cwd or ""), self._run.run_id)
        if files is None or files.state is None:
            return None
        try:
            return read(files)
        except (RecordError, OSError):
            return None


def _redacted(edits: list[Edit]) -> list[Edit]:
    """Texts quote errors and sources: secrets in them are not shown."""
    redact = redactor(os.environ)
    for edit in edits:
        edit.text = redact(edit.text)
        edit.patch = [
            one for one in edit.patch if not isinstance(one.value, str) or redact(one.value) == one.value
        ]
    return edits
