"""`trace stats`: how flows and their steps did over many runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from one_trace.analyse import flat_table, run_groups, stats
from one_trace.answers.bounds import LIMIT, size
from one_trace.answers.reports import WrittenHistory
from one_trace.cli import filters
from one_trace.cli.bounded import bounded
from one_trace.cli.out import Out, out, write_to
from one_trace.cli.pages import examples
from one_trace.cli.params import GroupBy
from one_trace.cli.reading import place_of
from one_trace.errors import WrongUsage
from one_trace.guard.text import json_bytes
from one_trace.model.wanted import Wanted
from one_trace.view import stats_page

if TYPE_CHECKING:
    from one_trace.history.protocol import History
    from one_trace.model.tags import Tags

FORMATS = ("json", "csv", "parquet")


@click.command(
    epilog=examples(
        "one trace stats my-flow --since 30d", "one trace stats --format parquet -o history.parquet"
    )
)
@filters.run_filter
@click.option("--by", type=GroupBy(), metavar="WHAT", help="By version, model, host, repository or tag:KEY.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="csv, parquet: a row a span.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@bounded
def command(
    flow: str | None,
    here: bool,
    since_ms: int | None,
    tags: Tags,
    source: str | None,
    by: str | None,
    form: str | None,
    output: Path | None,
) -> None:
    """How my flows did: outcomes, times, retries, sizes, cost, flaky steps.

    SHARE: the part of the runs' time in which a step ran. TREND: medians of consecutive runs. CHANGE: the
    median since the last change against that before. In CSV, what a spreadsheet would take for a formula
    starts with '.
    """
    speaker = out()
    output = None if output is not None and str(output) == "-" else output
    if by is not None:
        run_groups.parse_by(by)
    form = form or (output.suffix[1:] if output and output.suffix[1:] in FORMATS else None)
    with filters.filtered(flow, since_ms, here, tags, place_of(source)) as (history, wanted):
        if form in ("csv", "parquet"):
            _write_rows(history, wanted, form, output, speaker)
            return
        histories = history.histories(wanted)
        groups = history.groups(wanted, by) if by is not None else []
    document = stats.document(
        histories, flow=flow, since=filters.since_text(since_ms), project=wanted.project, groups=groups
    )
    document.tags = dict(tags)
    if speaker.agent and not speaker.bounds.full and size(document) > LIMIT:
        document = stats.ranked(document)
    if output is not None:
        write_to(output, json_bytes(document) + b"\n")
        _tell(speaker, output, "json", len(document.flows), "flow")
    elif form == "json":
        Out(agent=True).answer(document, "")
    else:
        speaker.answer(document, lambda: stats_page.render(document, speaker.page))


def _write_rows(history: History, wanted: Wanted, form: str, output: Path | None, speaker: Out) -> None:
    rows = history.span_rows(wanted)
    if output is None:
        if speaker.agent or form == "parquet":
            raise WrongUsage(
                f"{form} cannot be written to standard output", hint=f"Write it to a file: -o history.{form}"
            )
        speaker.stream(lambda file: flat_table.write_csv(rows, file))
        return
    if form == "parquet":
        flat_table.check_parquet()  # before the file is touched
    write = flat_table.write_parquet if form == "parquet" else flat_table.write_csv
    written: list[int] = []
    write_to(output, lambda file: written.append(write(rows, file)))
    _tell(speaker, output, form, written[0], "span")


def _tell(speaker: Out, output: Path, form: str, count: int, noun: str) -> None:
    document = WrittenHistory(file=str(output), format=form, rows=count)
    facts = f"{count:,} {noun}{'' if count == 1 else 's'}"
    speaker.answer(document, lambda: speaker.page.either(f"{output}: {facts}", f"{output}:", facts))
