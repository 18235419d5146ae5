"""`trace export`: one run in a format that other tools read."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from one_trace.answers.reports import WrittenFile
from one_trace.cli.configured import configured_to_send
from one_trace.cli.out import inert, out, write_to
from one_trace.cli.pages import examples
from one_trace.cli.params import FROM
from one_trace.cli.places import places_of
from one_trace.cli.reading import only_here, place_of
from one_trace.cli.stored import stored_key, trace_of
from one_trace.errors import WrongUsage
from one_trace.model.gc import held_back
from one_trace.outbound.names import one_line
from one_trace.store import Store

if TYPE_CHECKING:
    from one_trace.model.trace import Trace
    from one_trace.outbound.payload import Payload

_FORMATS = ("json", "events", "otlp", "perfetto", "html", "markdown")

_SINKS = {"events": "traces.com", "otlp": "otlp", "markdown": "traces.com"}
"""The formats that have what a sink gets, and no more."""


def _packed(ref: str, sink: str) -> tuple[Trace, Payload]:
    """A run, and what `sink` would get of it."""
    from one_trace.deliver.packing import pack

    found = configured_to_send()
    with Store(found.store_path, readonly=True) as store:
        trace = store.trace(stored_key(store, ref))
        return trace, pack(store, trace, sink, found)


def _beside(payload: Payload) -> str:
    """What goes to traces.com and is in no event line."""
    run, project = payload.sanitized.run, payload.project
    facts = {
        "project": project.name,
        "git remote": project.remote,
        "branch": project.branch,
        "commit": project.ref,
        "session": run.session and run.session.session_id,
        "inputs": payload.input_count,
        "namespace": payload.namespace,
        "visibility": payload.visibility,
    }
    known = [f"{name} {one_line(str(value))}" for name, value in facts.items() if value is not None]
    return f"Names of steps and totals of these lines are sent too; {', '.join(known)}."


@click.command(
    "export",
    epilog=examples(
        "one trace export last --format html -o run.html",
        "one trace export 3f2a --format events",
    ),
)
@click.argument("run", default="last")
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="json",
    show_default=True,
    help="json: the trace document. events: JSON Lines, what may leave this machine. otlp: OTLP/JSON. "
    "perfetto: for ui.perfetto.dev. html: one page that needs no network. markdown: for a pull request.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to FILE (0600).")
@FROM
def command(run: str, form: str, output: Path | None, source: str | None) -> None:
    """Write RUN in a format that other tools read.

    RUN is a run id, a unique prefix of one, or 'last' (default).
    """
    from one_trace.export.formats import in_pieces

    speaker = out()
    if form == "html" and output is None and speaker.tty and not speaker.agent:
        raise WrongUsage("an HTML page is nothing for a terminal", hint="Give it a file: -o run.html")
    place = place_of(source)
    if form in _SINKS:
        only_here(place, f"what '--format {form}' needs")
    with held_back():
        trace, payload = _packed(run, _SINKS[form]) if form in _SINKS else (trace_of(run, place), None)
        find = places_of(trace.run, place) if form == "html" else None
        pieces = in_pieces(form, trace, payload.sanitized if payload else None, find)
    if form == "events" and payload and sys.stderr.isatty() and not speaker.agent:
        speaker.note(_beside(payload))
    if output is None or str(output) == "-":
        speaker.stream(lambda file: _write(file, map(inert, pieces) if form == "markdown" else pieces))
        return
    sizes: list[int] = []
    write_to(output, lambda file: sizes.append(_write(file, pieces)))
    written = WrittenFile(path=str(output.absolute()), format=form, bytes=sizes[0], run_id=trace.run.run_id)
    facts = f"{form}, {sizes[0]:,} bytes"
    speaker.answer(written, lambda: speaker.page.either(f"{output}  {facts}", str(output), facts))


def _write(file: BinaryIO, pieces: Iterable[bytes]) -> int:
    """Returns the number of bytes."""
    with held_back():
        return sum(file.write(piece) for piece in pieces)
