"""`trace open`: the HTML report in the browser."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import click

from one_trace.answers.reports import WrittenFile
from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.cli.places import places_of
from one_trace.cli.stored import trace_of
from one_trace.settings import paths
from one_trace.settings.problems import no_home


@click.command(
    "open",
    epilog=examples(
        "one trace open",
        "one --agent trace open 3f2a",
    ),
)
@click.argument("run", default="last")
def command(run: str) -> None:
    """Open RUN in the browser: a page with waterfall, search and self times that needs no network.

    RUN is a run id, a unique prefix of one, or 'last' (default). With --agent no browser is started.
    """
    from one_trace.export.html import html
    from one_trace.guard.private import make_folder, write_whole

    speaker = out()
    trace = trace_of(run)
    folder = paths.cache_dir(os.environ)
    if not folder:
        raise no_home("the report", "or XDG_CACHE_HOME")
    path = Path(folder, "reports", f"{_file_name(trace.run.run_id)}.html")
    make_folder(path.parent.parent)
    page = html(trace, places_of(trace.run))
    write_whole(path, page)
    opened = not speaker.agent and _browse(path.as_uri())
    written = WrittenFile(path=str(path), format="html", bytes=len(page), run_id=trace.run.run_id)
    speaker.answer(written, str(path))
    if not opened:
        speaker.note("No browser was found here: open that file in one.")


def _file_name(run_id: str) -> str:
    """A record may claim any run id, so none of it may act as a path."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", run_id)[:80] or "run"


def _browse(uri: str) -> bool:
    """Start the browser, unless there is no display: Python would start a text browser in this terminal."""
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("BROWSER")
    if sys.platform not in ("darwin", "win32") and not shown:
        return False
    import webbrowser

    return webbrowser.open(uri)
