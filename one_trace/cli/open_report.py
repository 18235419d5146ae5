"""`trace open`: the HTML report of a run, or the history of a flow, in the browser."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from one_trace.answers.reports import WrittenFile
from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.cli.params import FROM
from one_trace.cli.places import places_of
from one_trace.cli.reading import place_of
from one_trace.cli.stored import trace_of
from one_trace.errors import NoSuchRun
from one_trace.guard.text import valid
from one_trace.model.gc import held_back
from one_trace.settings import paths
from one_trace.settings.problems import no_home

if TYPE_CHECKING:
    from one_trace.settings.history_url import HistoryUrl


@click.command(
    "open",
    epilog=examples(
        "one trace open",
        "one trace open my-flow",
    ),
)
@click.argument("ref", metavar="[RUN|FLOW]", default="last")
@FROM
def command(ref: str, source: str | None) -> None:
    """Look at a run, or at the history of a flow, in the browser: one page that needs no network.

    RUN is an id, the beginning of one, 'last' (default) or 'running': its waterfall, and why it failed. FLOW
    is a flow's key: outcomes and durations over time, findings, slow and flaky steps, cost a day. Where one
    word means both, the run is opened. With --agent no browser is started.
    """
    speaker = out()
    with held_back():
        name, page, run_id, flow_key = _page(ref, place_of(source))
    path = _written(name, page)
    opened = not speaker.agent and _browse(path.as_uri())
    written = WrittenFile(path=str(path), format="html", bytes=len(page), run_id=run_id, flow_key=flow_key)
    speaker.answer(written, str(path))
    if not opened:
        speaker.note("No browser was found. Open the file above in one.")


def _page(ref: str, place: HistoryUrl | None) -> tuple[str, bytes, str | None, str | None]:
    """A name for the file, the page, and the run id or the flow key it shows. Raises NoSuchRun."""
    try:
        trace = trace_of(ref, place)
    except NoSuchRun:
        from one_trace.cli.flow_history import flow_history

        history = flow_history(valid(ref), place)
        if history is None:
            raise
        return f"flow-{ref}", history, None, ref
    from one_trace.export.html import html

    return trace.run.run_id, html(trace, places_of(trace.run, place)), trace.run.run_id, None


def _written(name: str, page: bytes) -> Path:
    from one_trace.guard.private import make_folder, write_whole

    folder = paths.cache_dir(os.environ)
    if not folder:
        raise no_home("the report", "or XDG_CACHE_HOME")
    path = Path(folder, "reports", f"{_file_name(name)}.html")
    make_folder(path.parent.parent)
    write_whole(path, page)
    return path


def _file_name(name: str) -> str:
    """A record may claim any run id, and a flow have any key: neither becomes a path, and two of them are two
    files."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:80]
    if plain and plain == name:
        return plain
    digest = hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=4).hexdigest()
    return f"{plain.strip('-')}-{digest}"


def _browse(uri: str) -> bool:
    """Start the browser. Without a display Python would start a text browser in this terminal: then none is
    started."""
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("BROWSER")
    if sys.platform not in ("darwin", "win32") and not shown:
        return False
    import webbrowser

    return webbrowser.open(uri)
