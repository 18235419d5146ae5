"""`trace cost`: tokens and money, by flow, step, model and day."""

from __future__ import annotations

import click

from one_trace.analyse import cost
from one_trace.cli import filters
from one_trace.cli.bounded import bounded
from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.cli.reading import place_of
from one_trace.model.tags import Tags
from one_trace.view import cost_page


@click.command(epilog=examples("one trace cost --since 30d", "one --agent trace cost my-flow"))
@filters.run_filter
@bounded
def command(flow: str | None, here: bool, since_ms: int | None, tags: Tags, source: str | None) -> None:
    """What the LLM calls of my flows cost, and how much of that was wasted.

    By flow, step, model and day (local). Wasted: runs that failed or never ended, attempts of loops, blocks
    and sub-flows that were retried, and retries of calls (an estimate: only the last attempt reports its
    cost).
    """
    speaker = out()
    with filters.filtered(flow, since_ms, here, tags, place_of(source)) as (history, wanted):
        calls = history.calls(wanted)
    document = cost.document(
        calls.usages,
        runs=calls.runs,
        flow=flow,
        project=wanted.project,
        since=filters.since_text(since_ms),
        uncounted=calls.uncounted,
    )
    document.tags = dict(tags)
    speaker.answer(document, lambda: cost_page.render(document, speaker.page))
