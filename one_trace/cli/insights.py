"""`trace insights`: what to do about a flow, the most rewarding first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from one_trace.analyse import insights, query
from one_trace.analyse.findings import InsightsDocument
from one_trace.analyse.patch import FlowSource, PatchDocument, propose
from one_trace.cli import filters
from one_trace.cli.bounded import bounded
from one_trace.cli.out import out
from one_trace.cli.params import project_here
from one_trace.errors import WrongUsage
from one_trace.view import insights_page


@click.command(
    context_settings=filters.CONTEXT,
    epilog=filters.examples("one trace insights my-flow", "one --agent trace insights my-flow --since 30d"),
)
@filters.flow_argument()
@filters.here_option()
@filters.since_option()
@click.option(
    "--patch", "as_patch", is_flag=True, help="The edits that are safe, as JSON Patches (RFC 6902)."
)
@bounded
def command(flow: str | None, here: bool, since_ms: int | None, as_patch: bool) -> None:
    """What should I change in this flow, and what would it save? Without FLOW: which flows need attention?

    Findings by fixed rules, ranked by the part of the flow's time, cost or runs that they would save, each
    with its evidence and a suggestion. Of a flow that several projects have, this project's is meant.
    """
    speaker = out()
    if as_patch and flow is None:
        raise WrongUsage("--patch is for one flow", hint="one trace insights FLOW --patch")
    since = filters.since_text(since_ms)
    page = filters.page_of(speaker)
    with filters.open_store() as store:
        chosen = filters.scope_of(store, flow, since_ms, filters.this_project(here))
        if flow is None:
            general = insights.overview(store, chosen, since=since)
            speaker.answer(general, lambda: insights_page.overview(general, page))
            return
        if not here and project_here() in query.projects(store.connection, flow):
            chosen = chosen._replace(project=project_here())
        document = insights.of_store(store, chosen, since=since)
    if as_patch:
        edits = _edits(document)
        speaker.asked = None  # half a patch is none
        speaker.answer(edits, lambda: insights_page.patches(edits))
        return
    speaker.answer(document, lambda: insights_page.render(document, page))


def _edits(document: InsightsDocument) -> PatchDocument:
    """The edits that can be made to the flow files of the document's project."""
    from one_trace.record.flows import FlowFiles
    from one_trace.runner.validate import validate

    files = FlowFiles(Path(document.project)) if document.project else None

    def source(flow_key: str) -> FlowSource | None:
        flow = files.with_key(flow_key) if files is not None else None
        return None if flow is None else FlowSource(str(flow.path), flow.key, flow.definition)

    def valid(definition: dict[str, Any]) -> bool:
        return not validate(definition, None, _Unchanged())

    return propose(document, source, valid)


class _Unchanged:
    """JavaScript that needs no check: an edit does not change it."""

    def source(self, text: str) -> str | None:
        return None

    def file(self, path: str) -> str | None:
        return None
