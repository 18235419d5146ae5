"""Errors that a CI job shows beside the lines of a flow's file."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from one_trace.analyse.gate import Verdict
from one_trace.guard.markup import command_data, command_property
from one_trace.guard.text import clean
from one_trace.model.figures import counted
from one_trace.model.trace import Location, Trace
from one_trace.view.ci_page import cause_text

MOST = 10
"""GitHub shows no more errors of one step."""
_ERROR_CHARACTERS = 1000
Find = Callable[[str], Location | None]
"""From a step's static path to the place where it is written in the project."""


class Annotation(NamedTuple):
    """An error that a CI job shows beside a line of a file. `at`: in the repository."""

    title: str
    text: str
    at: Location | None = None

    def command(self) -> str:
        """The line that GitHub's runner reads it from."""
        properties = {"title": self.title}
        if self.at is not None:
            properties = {"file": self.at.file, "line": str(self.at.line or 1), **properties}
        joined = ",".join(f"{name}={command_property(value)}" for name, value in properties.items())
        return f"::error {joined}::{command_data(self.text)}"


def annotate(
    verdict: Verdict, run: Trace, find: Find, in_repository: Callable[[Location], Location]
) -> list[Annotation]:
    """The cause where it is written, then each rule that is met, where its step is."""
    document, root = verdict.document, f"{run.run.flow_key} > "
    found: list[Annotation] = []
    cause = document.cause
    if cause is not None:
        error = [cause.error[:_ERROR_CHARACTERS]] if cause.error else []
        at = in_repository(cause.at) if cause.at else None
        found.append(
            Annotation(f"{run.run.flow_key} failed", "\n".join([clean(cause_text(cause)), *error]), at)
        )
    elif run.run.status in ("error", "incomplete"):
        found.append(Annotation(f"{run.run.flow_key} failed", document.because[0]))
    for rule, reason in verdict.reasons:
        at = find(root + reason.path) if reason.path is not None else None
        found.append(Annotation(f"--fail-on {rule}", reason.text, in_repository(at) if at else None))
    if len(found) > MOST:
        more = len(found) - MOST + 1
        found[MOST - 1 :] = [Annotation("one trace ci", f"and {counted(more, 'problem')} more")]
    return found
