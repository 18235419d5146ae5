"""`trace baseline`: what is usual of a flow, as a file to compare later runs with."""

from __future__ import annotations

from pathlib import Path

import click

from one_trace.analyse import baseline
from one_trace.answers.reports import WrittenFile
from one_trace.cli import filters
from one_trace.cli.configured import configured, configured_to_send
from one_trace.cli.out import out, write_to
from one_trace.cli.pages import examples
from one_trace.cli.params import project_here
from one_trace.cli.stored import key_of
from one_trace.deliver.masking import with_mask
from one_trace.errors import NoSuchRun
from one_trace.export.baseline import to_file
from one_trace.guard.text import shell_word
from one_trace.history.local import LocalHistory
from one_trace.model.baseline import Baseline
from one_trace.store import Store
from one_trace.view import words


@click.command(
    epilog=examples("one trace baseline my-flow -o base.json", "one trace diff last --baseline base.json")
)
@filters.FLOW_NEEDED
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to FILE (0600).")
def command(flow: str, output: Path | None) -> None:
    """What is usual of FLOW, as a file: medians, usual ranges, steps, cost.

    Made from its last 50 successful runs; with fewer than 5 there are medians and no ranges. Keep the file in
    git: the same runs give the same file, with a step on each line, and it holds names and figures only.
    """
    speaker = out()
    found = _baseline(flow)
    data = to_file(found)
    if output is None or str(output) == "-":
        speaker.write(data)
        return
    write_to(output, data)
    steps = sum(step.runs > 0 for step in found.steps)
    written = WrittenFile(path=str(output.absolute()), flow_key=flow, format="baseline", bytes=len(data))
    facts = f"{words.counted(found.runs, 'run')}, {words.counted(steps, 'step')}, {len(data):,} bytes"
    speaker.answer(written, lambda: speaker.page.either(f"{output}  {facts}", str(output), facts))


def _baseline(flow: str) -> Baseline:
    """Of this project's runs if it has some, else of those of the project with the newest."""
    with Store(configured().store_path, readonly=True) as store:
        history = LocalHistory(store)
        filters.check_flow(history, flow)
        projects, here = history.projects(flow), project_here()
        past = history.past_of_flow(flow, here if here in projects else projects[0])
        if not past.runs:
            hint = f"one trace list --flow {shell_word(flow)}"
            raise NoSuchRun(f"no run of '{flow}' succeeded, so there is nothing to compare with", hint=hint)
        plan = history.planned(key_of(history, f"{flow}@last"))
    made = baseline.make(flow, past, list(plan.values()))
    return with_mask(lambda mask: baseline.masked(made, mask), configured_to_send())
