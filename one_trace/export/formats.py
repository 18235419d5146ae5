"""The formats of `trace export`. Each is a pure function from a trace to the bytes of a file.

`sanitized` is the part of the trace that the sinks get, for the formats that show just that; without it,
it is made from the trace, with no error text and no links to other traces. `find` gives the place where a
step is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from one_trace.guard.text import json_lines
from one_trace.model.trace import Trace
from one_trace.outbound.events import lines
from one_trace.outbound.sanitize import SanitizedTrace, sanitize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from one_trace.export.html import Find


class Form(Protocol):
    def __call__(
        self, trace: Trace, sanitized: SanitizedTrace | None = None, find: Find | None = None
    ) -> bytes: ...


def to_json(trace: Trace, sanitized: SanitizedTrace | None = None, find: Find | None = None) -> bytes:
    """The trace document."""
    return json_lines([trace])


def to_events(trace: Trace, sanitized: SanitizedTrace | None = None, find: Find | None = None) -> bytes:
    """JSON Lines in time order: what may leave the machine."""
    return json_lines(lines(sanitized or sanitize(trace)))


def to_otlp(trace: Trace, sanitized: SanitizedTrace | None = None, find: Find | None = None) -> bytes:
    """OTLP/JSON, one ExportTraceServiceRequest: what the OTLP sink sends."""
    return b"".join(_otlp(sanitized or sanitize(trace)))


def _otlp(sanitized: SanitizedTrace) -> Iterator[bytes]:
    from one_trace.outbound.otel import otlp_spans
    from one_trace.outbound.otel_json import request_in_pieces

    return request_in_pieces(sanitized.run, otlp_spans(sanitized))


def to_perfetto(trace: Trace, sanitized: SanitizedTrace | None = None, find: Find | None = None) -> bytes:
    from one_trace.export.perfetto import perfetto

    return json_lines([perfetto(trace)])


def to_html(trace: Trace, sanitized: SanitizedTrace | None = None, find: Find | None = None) -> bytes:
    from one_trace.export.html import html

    return html(trace, find)


def to_markdown(trace: Trace, sanitized: SanitizedTrace | None = None, find: Find | None = None) -> bytes:
    """Markdown for a pull request: what may leave the machine. It may be printed in a job of GitHub."""
    from one_trace.export.markdown import markdown
    from one_trace.guard.markup import without_commands
    from one_trace.outbound.outgoing import outgoing

    return without_commands(markdown(outgoing(sanitized or sanitize(trace))).encode("utf-8", "replace"))


FORMATS: dict[str, Form] = {
    "json": to_json,
    "events": to_events,
    "otlp": to_otlp,
    "perfetto": to_perfetto,
    "html": to_html,
    "markdown": to_markdown,
}
_LINES = 20
"""So few that even of a deep run they fit in memory that is used again and again."""


def in_pieces(
    form: str, trace: Trace, sanitized: SanitizedTrace | None = None, find: Find | None = None
) -> Iterable[bytes]:
    """The same file, some of what is sent at a time: that of deep runs may be 200 MB."""
    if form == "otlp":
        return _otlp(sanitized or sanitize(trace))
    if form != "events":
        return [FORMATS[form](trace, sanitized, find)]
    events = lines(sanitized or sanitize(trace))
    return (json_lines(events[at : at + _LINES]) for at in range(0, len(events), _LINES))
