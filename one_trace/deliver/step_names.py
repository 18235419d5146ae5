"""The names of a run's steps as text: the default search of the service's client looks into no tool calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from one_trace.deliver.phrases import counted
from one_trace.outbound.names import one_line
from one_trace.outbound.sanitize import SanitizedSpan

_CHARACTERS = 60_000
"""Of one text: the client keeps texts of up to half a megabyte."""
_MOST = 10_000
"""Steps that are listed."""


def step_names(spans: Sequence[SanitizedSpan]) -> Iterator[str]:
    """Each step once, by id and name, a line a step, in as few texts as they fit into."""
    lines = list(dict.fromkeys(map(_line, spans)))
    listed = lines[:_MOST]
    if len(lines) > _MOST:
        listed.append(f"and {counted(len(lines) - _MOST, 'more step')}")
    text = "Steps:"
    for line in listed:
        if len(text) + len(line) > _CHARACTERS:
            yield text
            text = "Steps:"
        text += f"\n{line}"
    if listed:
        yield text


def _line(span: SanitizedSpan) -> str:
    step_id = one_line(span.step_id)
    return step_id if span.name in ("", step_id) else f"{step_id}: {span.name}"
