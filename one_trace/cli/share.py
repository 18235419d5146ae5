"""`trace share`: deliver one run now, set who may see it, print its URL."""

from __future__ import annotations

import sys
from typing import Literal

import click

from one_trace.answers.reports import SharedRun
from one_trace.cli import stored
from one_trace.cli.configured import configured
from one_trace.cli.delivering import as_error
from one_trace.cli.out import Out, out
from one_trace.cli.pages import examples
from one_trace.deliver.packing import settings_at
from one_trace.deliver.retry import Deadline
from one_trace.deliver.sender import Sender
from one_trace.deliver.sinks import make
from one_trace.errors import NetworkError, WrongUsage
from one_trace.settings.sources import DELIVERY
from one_trace.store import Store

_SINK = "traces.com"
_LONGEST_S = 120.0


@click.command(
    "share",
    epilog=examples(
        "one trace share",
        "one trace share 3f2a --visibility direct",
    ),
)
@click.argument("run", default="last")
@click.option(
    "--visibility",
    type=click.Choice(("private", "direct", "public")),
    help="Who may see it: members of its namespace, whoever has the link, or everybody.",
)
@click.option("--yes", is_flag=True, help="Do not ask before making a run public.")
def command(run: str, visibility: Literal["private", "direct", "public"] | None, yes: bool) -> None:
    """Deliver RUN now, even if it was never queued, and print its URL."""
    speaker = out()
    found = configured("data_dir", *DELIVERY)
    with Store(found.store_path) as store:
        run_id = stored.stored_key(store, run)
        wanted = visibility or settings_at(store.trace(run_id).run.cwd, found).visibility
        make(_SINK, found)  # No key: say so before asking anything.
        if wanted == "public" and not yes:
            _ask(run_id, speaker)
        with Sender(store, found) as sender:
            sender.outbox.again(run_id, _SINK, wanted)
            outcome = sender.send(_SINK, Deadline(_LONGEST_S), run_id=run_id, early=True)
    if outcome is None:
        raise NetworkError(f"run {run_id} is being sent by another process", hint="Try again in a moment.")
    if outcome.problem:
        raise as_error(outcome.problem)
    speaker.answer(SharedRun(run_id=run_id, url=outcome.url, visibility=wanted), outcome.url or "")


def _ask(run_id: str, speaker: Out) -> None:
    question = f"Make run {run_id} public? Everybody will see its steps, times and costs."
    if speaker.agent or not sys.stdin.isatty():
        raise WrongUsage(f"{question} There is nobody to ask here.", hint="Add --yes if that is meant.")
    if not speaker.ask(question):
        raise click.Abort
