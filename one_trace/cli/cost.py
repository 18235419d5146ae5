"""`trace cost`: tokens and money, by flow, step, model and day."""

from __future__ import annotations

import click

from one_trace.analyse import cost, llm_calls
from one_trace.cli import filters
from one_trace.cli.bounded import bounded
from one_trace.cli.out import out
from one_trace.view import cost_page


@click.command(
    context_settings=filters.CONTEXT,
    epilog=filters.examples("one trace cost --since 30d", "one --agent trace cost my-flow"),
)
@filters.flow_argument()
@filters.since_option()
@bounded
def command(flow: str | None, since_ms: int | None) -> None:
    """What have the LLM calls of my flows cost, and how much of that was wasted?

    By flow, step, model and day (yours). Lost: runs that failed or never ended, attempts of loops, blocks
    and sub-flows that were made again, and retries of calls (an estimate: only the last attempt tells
    its price).
    """
    speaker = out()
    with filters.open_store() as store:
        chosen = filters.scope_of(store, flow, since_ms)
        known = llm_calls.runs(store.connection, chosen)
        spent = llm_calls.read(store.connection, chosen, known)
        missing = llm_calls.uncounted(store.connection, chosen)
    document = cost.document(
        spent, runs=len(known), flow=flow, since=filters.since_text(since_ms), uncounted=missing
    )
    speaker.answer(document, lambda: cost_page.render(document, filters.page_of(speaker)))
