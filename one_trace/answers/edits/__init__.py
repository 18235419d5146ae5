"""What to edit after a run that did not succeed: which part of which step, and why.

Pure functions of an `Evidence`: the run, its plan, and functions that read the flow files and the state as
they are now. What they say is for this machine: it quotes flow files and names fields of outputs, and is
neither stored nor sent.
"""

from __future__ import annotations

from collections.abc import Iterator

from one_trace.analyse.edit import MOST, Edit, changed
from one_trace.answers.bounds import cut_text
from one_trace.answers.edits.by_class import by_class, without_step
from one_trace.answers.edits.evidence import Evidence
from one_trace.answers.edits.reads import wrong_reads
from one_trace.answers.edits.unended import unended
from one_trace.answers.edits.variables import unset_variables
from one_trace.model.tree import static_paths

__all__ = ["edits_of"]

_TEXT = 400
_OF_THE_CAUSE = 3


def edits_of(evidence: Evidence) -> list[Edit]:
    """The likeliest first, then what the last edit of the flow has changed; none of a run that succeeded."""
    found = list(_first(evidence))[:_OF_THE_CAUSE]
    changes = _by_nearness(evidence, list(changed(evidence.earlier, evidence.plan)))
    for edit in (*found, *changes):
        edit.text = cut_text(edit.text, _TEXT)
        edit.path = cut_text(edit.path)
    return found + [evidence.with_line(edit) for edit in changes[:MOST]]


def _first(evidence: Evidence) -> Iterator[Edit]:
    cause = evidence.cause
    if cause is None:
        yield from unended(evidence)
        return
    span = evidence.span(cause.span_id)
    written = evidence.step_of(span) if span is not None else None
    if span is None or written is None:
        yield from without_step(evidence, cause)
        return
    yield from wrong_reads(evidence, span, written)
    yield from unset_variables(evidence, span, written)
    yield from by_class(evidence, span, written)


def _by_nearness(evidence: Evidence, changes: list[Edit]) -> list[Edit]:
    """First what was changed in the step that failed, then in those that it reads, then elsewhere."""
    cause = evidence.cause
    if cause is None or cause.span_id is None:
        return changes
    path = static_paths(evidence.trace.run.flow_key, evidence.trace.spans).get(cause.span_id, "")
    reads = evidence.plan[path].reads if path in evidence.plan else []
    return sorted(changes, key=lambda edit: (edit.path != path, edit.path.rpartition(" > ")[2] not in reads))
