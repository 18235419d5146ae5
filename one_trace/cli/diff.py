"""`trace diff`: two runs step by step, or one against what is usual."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from one_trace.analyse import diff, fail_on, past_runs
from one_trace.cli import filters
from one_trace.cli.bounded import bounded
from one_trace.cli.out import out
from one_trace.cli.stored import run_id
from one_trace.errors import FAILED, NoSuchRun, WrongUsage
from one_trace.guard.text import shell_word
from one_trace.view import diff_page

if TYPE_CHECKING:
    from one_trace.store import Store


@click.command(
    context_settings=filters.CONTEXT,
    epilog=filters.examples(
        "one trace diff my-flow@best my-flow@last",
        "one trace diff last --baseline p50 --fail-on slower:20% --fail-on failed",
    ),
)
@click.argument("a", metavar="A")
@click.argument("b", metavar="[B]", required=False)
@click.option(
    "--baseline", type=click.Choice(["p50"]), help="Compare A with the median of the runs before it."
)
@click.option(
    "--fail-on", "rules", multiple=True, metavar="RULE", help="slower:20%, cost:10% or failed: exit 1 if so."
)
@click.option("--all", "everything", is_flag=True, help="Show the steps that did not change, too.")
@bounded
def command(a: str, b: str | None, baseline: str | None, rules: tuple[str, ...], everything: bool) -> int:
    """What has changed from run A to run B: steps added, removed, failing, slower, larger, costlier?

    A run is an id, the beginning of one, 'last', or FLOW@last, @prev, @best (quickest that succeeded),
    @worst. Iterations of a loop are one step. A time within what the 50 runs before B make usual (5 at
    least) is noise. A step fails 'slower' if the change is 5% of the run or more. --agent prints the
    comparison as one JSON document.
    """
    for rule in rules:
        fail_on.parse(rule)
    if (b is None) == (baseline is None):
        raise WrongUsage(
            "a comparison needs two runs, or one and --baseline p50", hint="See 'one trace diff --help'."
        )
    speaker = out()
    with filters.open_store() as store:
        document = _against_past(store, a) if b is None else _against_run(store, a, b)
    document.fail_on = [fail_on.check(rule, document) for rule in rules]

    page = filters.page_of(speaker)
    speaker.answer(document, lambda: diff_page.render(document, page, everything=everything))
    return FAILED if any(verdict.met for verdict in document.fail_on) else 0


def _against_run(store: Store, a: str, b: str) -> diff.DiffDocument:
    before, after = (store.trace(run_id(store, ref)) for ref in (a, b))
    known = past_runs.of_run(store.connection, after.run.run_id, exclude=[before.run.run_id])
    return diff.of_runs(before, after, known)


def _against_past(store: Store, ref: str) -> diff.DiffDocument:
    after = store.trace(run_id(store, ref))
    known = past_runs.of_run(store.connection, after.run.run_id)
    if not known.runs:
        flow = after.run.flow_key
        hint = f"one trace list --flow {shell_word(flow)}"
        raise NoSuchRun(f"no run of '{flow}' before this one succeeded", hint=hint)
    return diff.of_past(known, after)
