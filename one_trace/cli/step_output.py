"""`trace show --step P --with-output`: a step's output, read from the executor's state file."""

from __future__ import annotations

import os

from one_trace.answers.step import StepOutput, step_output
from one_trace.assemble import assemble
from one_trace.errors import CliError, RecordError
from one_trace.guard.text import path_of
from one_trace.model.trace import Run, Span
from one_trace.outbound.redact import redactor
from one_trace.record.reading import read
from one_trace.record.search import find_by_id


def only(named: list[Span], ref: str) -> Span:
    """The one execution that a step's name means. Raises CliError."""
    if len(named) == 1:
        return named[0]
    raise CliError(
        f"'{ref}' ran {len(named):,} times, and --with-output shows one output",
        hint=f"Give the path of one execution: '{named[-1].path}'.",
        code="wrong-usage",
    )


def output_of(run: Run, span: Span) -> StepOutput:
    """What the state file holds of a step's output at this moment."""
    files = find_by_id(path_of(run.cwd), run.run_id) if run.cwd else None
    if files is None or files.state is None:
        return _unknown(span, "the state file of the run is gone")
    try:
        assembly = assemble(read(files), [span.span_id])
    except (RecordError, OSError) as error:
        return _unknown(span, f"the state file cannot be read: {error}")
    now = {each.span_id: each for each in assembly.trace.spans}.get(span.span_id)
    raw = assembly.outputs.get(span.span_id, b"")
    if now is None or now.output_bytes != span.output_bytes:
        return _unknown(span, "the state file has changed since the run was traced")
    if not raw or span.output_bytes is None:
        return _unknown(span, "the state file holds no output of this step")
    return step_output(span.span_id, raw, span.output_bytes, redactor(os.environ))


def _unknown(span: Span, problem: str) -> StepOutput:
    return StepOutput(span_id=span.span_id, bytes=span.output_bytes, problem=problem)
