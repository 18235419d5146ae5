"""`trace diff`: compares two runs step by step, or one with what is usual."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from one_trace.analyse import diff, fail_on
from one_trace.cli import filters
from one_trace.cli.bounded import bounded
from one_trace.cli.edits import between
from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.cli.params import BASELINE, FROM, P50
from one_trace.cli.reading import place_of
from one_trace.cli.stored import stored_or_exported
from one_trace.errors import FAILED, NoSuchRun, WrongUsage
from one_trace.guard.text import shell_word
from one_trace.view import diff_page

if TYPE_CHECKING:
    from one_trace.history.protocol import History


@click.command(
    epilog=examples(
        "one trace diff base.json last",
        "one trace diff last --baseline p50 --fail-on slower:20% --fail-on failed",
    )
)
@click.argument("a", metavar="A", required=False)
@click.argument("b", metavar="[B]", required=False)
@click.option(
    "--baseline", type=BASELINE, help="Compare A with the runs before it, or a file of 'trace baseline'."
)
@click.option(
    "--fail-on", "rules", multiple=True, metavar="RULE", help="Exit with 1 on slower:20%, cost:10% or failed."
)
@click.option("--all", "everything", is_flag=True, help="Show unchanged steps, too.")
@FROM
@bounded
def command(
    a: str | None,
    b: str | None,
    baseline: str | None,
    rules: tuple[str, ...],
    everything: bool,
    source: str | None,
) -> int:
    """What changed from run A to run B: steps added, removed, failing, slower, larger, costlier.

    A run is an id or the start of one, 'last', FLOW@last, @prev, @best (fastest that succeeded), @worst, or
    an exported document. Iterations of a loop are one step. A time in the usual range of the 50 runs before
    B (5 at least) is noise. A step fails 'slower' if its change is 5% of the run or more.
    """
    for rule in rules:
        fail_on.parse(rule)
    if a is None or (b is None) == (baseline is None):
        hint = "one trace diff FLOW@prev FLOW@last"
        raise WrongUsage("give two runs, or one run and --baseline p50 or FILE", hint=hint)
    speaker = out()
    with filters.open_history(place_of(source)) as history:
        if b is not None:
            document = _against_run(history, a, b)
        elif baseline == P50:
            document = _against_past(history, a)
        else:
            document = _against_file(history, a, Path(baseline or ""))
    document.fail_on = [fail_on.check(rule, document) for rule in rules]
    page = speaker.page
    speaker.answer(document, lambda: diff_page.render(document, page, everything=everything))
    return FAILED if any(result.met for result in document.fail_on) else 0


def _against_run(history: History, a: str, b: str) -> diff.DiffDocument:
    before, after = (stored_or_exported(history, ref) for ref in (a, b))
    past = history.past(after.run, exclude=[before.run])
    document = diff.of_runs(before, after, past)
    document.edits = between(history, before, after)
    return document


def _against_past(history: History, ref: str) -> diff.DiffDocument:
    after = stored_or_exported(history, ref)
    past = history.past(after.run)
    if not past.runs:
        flow = after.run.flow_key
        hint = f"one trace list --flow {shell_word(flow)}"
        raise NoSuchRun(f"no run of '{flow}' before this one succeeded", hint=hint)
    return diff.of_past(past, after)


def _against_file(history: History, ref: str, path: Path) -> diff.DiffDocument:
    from one_trace.analyse.baseline import compare
    from one_trace.export.baseline import read_baseline

    return compare(read_baseline(path), stored_or_exported(history, ref))
