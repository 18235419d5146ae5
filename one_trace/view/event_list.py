"""The events of a run in time order, one line each."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, Struct, UnsetType

from one_trace.guard.text import clean
from one_trace.model.times import to_ms
from one_trace.model.trace import Filter, Run
from one_trace.outbound.events import Event
from one_trace.view import words
from one_trace.view.cells import clip, clip_left, last
from one_trace.view.header import NARROW, header
from one_trace.view.style import Style

SCHEMA = "one-trace-events/1"


class EventsDocument(Struct, rename="camel", kw_only=True):
    """The answer of ``trace show --events``: the events in time order, as they may leave this machine."""

    schema: str = SCHEMA
    run: Run
    events: list[Event]
    filter: Filter | UnsetType = UNSET


_FIXED = 9 + 2 + 13 + 1 + 8 + 7 + 2
"""Cells of a line without the path."""


def render_events(run: Run, events: Sequence[Event], *, width: int, color: bool, unicode: bool = True) -> str:
    """The page for people: time since the start of the run, event, path, outcome, duration."""
    columns, style = max(width, 40), Style(color=color, unicode=unicode)
    began = to_ms(run.started_at) or 0
    lines = [_line(event, (to_ms(event.timestamp) or began) - began, columns, style) for event in events]
    return "\n".join([*header(run, columns, style), "", *lines]) + "\n"


def _line(event: Event, since_ms: float, columns: int, style: Style) -> str:
    where = clean(last(event.path if event.path is not UNSET else event.flow_key, columns))
    took = "" if event.duration_ms is UNSET else words.duration(event.duration_ms)
    out = "" if event.output_size is UNSET else words.size(event.output_size)
    ended = event.status if event.status is not UNSET and event.status != "success" else ""
    outcome = f" ({ended})" if ended else ""
    figures = f"{took:>8}{out:>7}" if columns >= NARROW else ""
    width = columns - _FIXED - len(outcome) + (0 if figures else 15)
    since = clip(f"{since_ms / 1000:.3f}s", 9, style.more)
    return (
        f"{since:>9}  {style.paint(f'{event.event:<13}', 'dim')} {figures}  "
        f"{clip_left(where, width, style.more)}{style.paint(outcome, ended)}"
    )
