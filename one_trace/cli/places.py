"""Where steps are written: the place is stored with the plan of a flow, the line is looked up in its file."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from one_trace.cli.reading import history_of
from one_trace.model.trace import Location, Run
from one_trace.record.flows import FlowFile, read_flow
from one_trace.record.pointer import value_at

if TYPE_CHECKING:
    from one_trace.settings.history_url import HistoryUrl

Find = Callable[[str], Location | None]
"""From a static path to the place of that step; None where it is not known."""


def places_of(run: Run, place: HistoryUrl | None = None) -> Find:
    """The places of a run's steps; none of a run elsewhere (`place`: see `cli.reading`)."""
    if place is not None:
        return lambda path: None
    with history_of(None) as history:
        plan = history.planned(run.trace_id)
    located = locator(run.cwd)

    def find(path: str) -> Location | None:
        step = plan.get(path)
        return located(step.at, path.rpartition(" > ")[2]) if step is not None else None

    return find


def locator(project: str | None) -> Callable[[Location | None, str], Location | None]:
    """A function that adds the line to the place of a project's step, given the step's id. None if the
    file has changed and another step is there."""

    @cache
    def read(file: str) -> FlowFile | None:
        return read_flow(Path(project or "", file)) if project is not None else None

    def located(at: Location | None, step_id: str) -> Location | None:
        flow = read(at.file) if at is not None else None
        if at is None or flow is None:
            return at
        step = value_at(flow.definition, at.pointer)
        if not isinstance(step, dict) or step.get("id") != step_id:
            return None
        return Location(file=at.file, pointer=at.pointer, line=flow.line_of(at.pointer))

    return located
