"""`trace import`: runs that have already happened, from the executor's own files."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from msgspec import Struct

from one_trace.cli.configured import configured
from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.errors import FAILED, RecordTrouble
from one_trace.model import Assembly
from one_trace.record import RunFiles
from one_trace.store import Saved, Store


class Imported(Struct, rename="camel"):
    """What became of one run."""

    run_id: str
    flow_key: str
    status: str
    spans: int
    state: Saved


class Report(Struct, rename="camel"):
    imported: int
    """New runs."""
    updated: int
    unchanged: int
    runs: list[Imported]
    problems: list[str]
    """One sentence for each thing that could not be read."""
    next: str | None = None
    """The command that delivers what is new, where there is a sink to deliver to."""


@click.command(
    "import",
    epilog=examples(
        "one trace import",
        "one trace import ~/projects/*",
    ),
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.pass_context
def command(ctx: click.Context, paths: tuple[Path, ...]) -> None:
    """Trace runs that have already happened.

    PATH is a project, a folder of flows, a log or a state file; without one, '.one/flows' here. Importing
    twice doubles nothing; what cannot be read is named, and the rest is imported.
    """
    from one_trace.deliver import sinks
    from one_trace.record import discover

    values = configured("data_dir")
    found, problems = discover(paths or _here())
    runs: list[Imported] = []
    if found:
        with Store(values.store_path) as store:
            for files in found:
                with _uncollected():
                    _import(store, files, runs, problems)
    report = _report(runs, problems)
    if report.imported and sinks.ready(values):
        report.next = "one trace sync --since 90d"
    out().answer(report, lambda: _page(report))
    if problems and not runs:
        ctx.exit(FAILED)


def _here() -> list[Path]:
    """Where this project's runs are; nowhere, in a project that has none."""
    folder = Path(".one/flows")
    return [folder] if folder.is_dir() else []


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector: a run is all objects that live until it is stored, and to look through them
    again and again costs more than its share the longer the run is.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _import(store: Store, files: RunFiles, runs: list[Imported], problems: list[str]) -> None:
    from one_trace.assemble import assemble
    from one_trace.record import read

    try:
        assembly = assemble(read(files))
    except RecordTrouble as trouble:
        problems.append(f"{files.flow_key}-{files.run_id}: {trouble.message}")
        return
    except OSError as error:
        problems.append(f"{files.flow_key}-{files.run_id}: {error.strerror or error}: {error.filename}")
        return
    run = assembly.trace.run
    state: Saved = "unchanged" if _worse(store, assembly) else store.save(assembly)
    runs.append(Imported(run.run_id, run.flow_key, run.status, run.counts.spans, state))
    if run.partial:
        problems.extend(f"{files.flow_key}-{files.run_id}: {reason}" for reason in run.partial)


def _worse(store: Store, assembly: Assembly) -> bool:
    """Whether the store has the run whole, and the record has been damaged or lost a file since."""
    run = assembly.trace.run
    return bool(run.partial) and store.has_whole(run.run_id)


def _report(runs: list[Imported], problems: list[str]) -> Report:
    states = [run.state for run in runs]
    return Report(states.count("new"), states.count("updated"), states.count("unchanged"), runs, problems)


def _page(report: Report) -> str:
    from one_trace.guard.text import clean
    from one_trace.view.words import counted

    if not report.runs and not report.problems:
        return "No runs here: there is no log or state in .one/flows."
    parts = [
        f"{counted(report.imported, 'run')} imported",
        *([f"{report.updated:,} updated"] if report.updated else []),
        *([f"{report.unchanged:,} already there"] if report.unchanged else []),
    ]
    lines = [", ".join(parts) + "."]
    if report.problems:
        lines += ["Not, or not wholly, read:", *(f"  {clean(problem)}" for problem in report.problems)]
    if report.imported + report.updated:
        lines.append("See them: one trace list")
    if report.next:
        lines.append(f"Deliver them: {report.next}")
    return "\n".join(lines)
