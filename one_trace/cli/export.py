"""`trace export`: one run as json, events, otlp, perfetto or html."""

from __future__ import annotations

from pathlib import Path

import click

from one_trace.cli.out import out
from one_trace.cli.stored import trace_of
from one_trace.errors import Trouble, WrongUsage

_FORMATS = ("json", "events", "otlp", "perfetto", "html")


@click.command("export")
@click.argument("run", default="last")
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="json",
    show_default=True,
    help="json: the trace document. events: JSON Lines, what may leave this machine. otlp: OTLP/JSON. "
    "perfetto: for ui.perfetto.dev. html: one page that needs no network.",
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to FILE (0600).")
def command(run: str, form: str, output: Path | None) -> None:
    """RUN in a form that other tools read.

    RUN is a run id, a unique beginning of one, or 'last' (default).

    \b
    Examples:
      one trace export last --format html -o run.html
      one trace export 3f2a --format events
    """
    from one_trace.export.formats import FORMATS

    speaker = out()
    if form == "html" and output is None and speaker.tty and not speaker.agent:
        raise WrongUsage("an HTML page is nothing for a terminal", hint="Give it a file: -o run.html")
    trace = trace_of(run)
    data = FORMATS[form](trace)
    if output is None or str(output) == "-":
        speaker.write(data)
        return
    from one_trace.export.files import write_private

    try:
        write_private(output, data)
    except OSError as error:
        reason = error.strerror or str(error)
        raise Trouble(
            f"cannot write {output}: {reason}", hint="Name another FILE.", code="os-error"
        ) from error
    told = {"path": str(output.absolute()), "format": form, "bytes": len(data), "runId": trace.run.run_id}
    speaker.answer(told, f"{output}  {form}, {len(data):,} bytes")
