"""`trace history`: what a history for a team needs, for whoever runs its ClickHouse."""

from __future__ import annotations

import click

from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.errors import WrongUsage
from one_trace.settings.keys import FOREVER, parse_retention, retention_ms


def _kept_ms(ctx: click.Context, param: click.Parameter, value: str) -> int | None:
    try:
        text = parse_retention(value)
    except ValueError as error:
        raise WrongUsage(f"--retention {error}", hint="one trace history ddl --retention 90d") from None
    return None if text == FOREVER else retention_ms(text)


@click.command(
    "history",
    epilog=examples(
        "one trace history ddl --retention 180d",
        "one trace history ddl --backfill",
    ),
)
@click.argument("what", type=click.Choice(["ddl"]), metavar="ddl")
@click.option(
    "--retention",
    "kept_ms",
    default="90d",
    callback=_kept_ms,
    metavar="AGE",
    help="How long they keep a run: 90d, 12w, forever.",
)
@click.option("--database", default="one_trace", metavar="NAME", help="Their database: one_trace.")
@click.option("--otel-database", default="otel", metavar="NAME", help="That of otel_traces: otel.")
@click.option("--backfill", is_flag=True, help="Also fill the tables from what otel_traces has.")
def command(what: str, kept_ms: int | None, database: str, otel_database: str, backfill: bool) -> None:
    """Print the SQL that makes the tables of a team's history in ClickHouse.

    Views fill them from the otel_traces of OpenTelemetry's exporter. Nothing is connected to, and the
    statements can be run again. More: one trace help fleet
    """
    from one_trace.history.clickhouse import tables

    script = tables.script(tables.Place(database, otel_database, kept_ms), backfill=backfill)
    out().write(script.encode())
