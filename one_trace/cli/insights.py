"""`trace insights`: what to change in a flow, ranked by what it would save."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from one_trace.analyse.findings import InsightsDocument
from one_trace.analyse.history import FlowHistory
from one_trace.analyse.patch import FlowSource, PatchDocument, propose
from one_trace.cli import filters
from one_trace.cli.bounded import bounded
from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.cli.reading import folder_of, here_in, not_cloned, place_of
from one_trace.errors import WrongUsage
from one_trace.history import profiles
from one_trace.model.tags import Tags
from one_trace.view import insights_page

if TYPE_CHECKING:
    from one_trace.settings.history_url import HistoryUrl


@click.command(
    epilog=examples("one trace insights my-flow", "one --agent trace insights my-flow --since 30d")
)
@filters.run_filter
@click.option("--patch", "as_patch", is_flag=True, help="The safe edits as JSON Patches (RFC 6902).")
@bounded
def command(
    flow: str | None,
    here: bool,
    since_ms: int | None,
    tags: Tags,
    source: str | None,
    as_patch: bool,
) -> None:
    """What to change in a flow, and what it would save. Without FLOW: which flows need attention, by the last
    150 runs of each or those --since.

    Findings by fixed rules, ranked by the part of the flow's time, cost or runs that they would save, each
    with its evidence and a suggestion. If several projects have the flow, it is that of this project.
    """
    speaker = out()
    if as_patch and flow is None:
        raise WrongUsage("--patch needs a FLOW", hint="one trace insights FLOW --patch")
    since = filters.since_text(since_ms)
    page = speaker.page
    place = place_of(source)
    with filters.filtered(flow, since_ms, here, tags, place) as (history, wanted):
        if flow is None:
            general = profiles.overview(history, wanted, since=since)
            general.tags = dict(tags)
            speaker.answer(general, lambda: insights_page.overview(general, page))
            return
        mine = here_in(history)
        if not here and mine is not None and mine in history.projects(flow):
            wanted = wanted._replace(project=mine)
        document = profiles.findings(history, wanted, since=since, flows=partial(_flows, mine, place))
        document.tags = dict(tags)
        folder = folder_of(document.project, mine, place)
    _add_lines(document, folder)
    if as_patch:
        if place is not None and folder is None:
            raise not_cloned(document.project)
        edits = _edits(document, folder)
        speaker.asked = None  # half a patch is of no use
        speaker.answer(edits, lambda: insights_page.patches(edits))
        return
    speaker.answer(document, lambda: insights_page.render(document, page))


def _flows(here: str | None, place: HistoryUrl | None, flow: FlowHistory) -> dict[str, dict[str, Any]]:
    """The flow files of a flow's project that it is made of, as they are now."""
    from one_trace.record.flows import FlowFiles

    folder = folder_of(flow.project, here, place)
    if not folder:
        return {}
    files = FlowFiles(Path(folder))
    keys = {flow.flow_key, *(step.flow_key for step in flow.plan.values())}
    found = {key: files.with_key(key) for key in sorted(keys)}
    return {key: file.definition for key, file in found.items() if file is not None}


def _add_lines(document: InsightsDocument, folder: str | None) -> None:
    """Add the line that each finding's step is on now."""
    from one_trace.cli.places import locator

    located = locator(folder)
    for finding in document.findings:
        finding.at = located(finding.at, finding.path.rpartition(" > ")[2])


def _edits(document: InsightsDocument, folder: str | None) -> PatchDocument:
    """The edits that can be made to the flow files of the document's project."""
    from one_trace.record.flows import FlowFiles
    from one_trace.runner.validate import validate

    files = FlowFiles(Path(folder)) if folder else None

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
