"""`trace import`: runs that have already happened, from the executor's own files."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from one_trace.answers.reports import ImportedRun, ImportReport
from one_trace.cli.configured import configured
from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.errors import FAILED, RecordError
from one_trace.model.trace import Assembly, Run
from one_trace.record.files import RunFiles
from one_trace.store import Saved, Store
from one_trace.store.store import Kept


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

    PATH is a project, a folder of flows, a log or a state file (default: '.one/flows' here). Importing
    twice changes nothing; what cannot be read is reported, and the rest is imported.
    """
    from one_trace.deliver import sinks
    from one_trace.record.files import discover

    values = configured("data_dir")
    found, problems = discover(paths or _here())
    runs: list[ImportedRun] = []
    changed: set[str] = set()
    if found:
        with Store(values.store_path) as store:
            for files in found:
                with _uncollected():
                    _import(store, files, runs, problems, changed)
    report = _report(runs, problems, changed)
    if report.imported and sinks.ready(values):
        report.next = "one trace sync --since 90d"
    out().answer(report, lambda: _page(report))
    if problems and not runs:
        ctx.exit(FAILED)


def _here() -> list[Path]:
    """The folder of this project's runs, if it has one."""
    folder = Path(".one/flows")
    return [folder] if folder.is_dir() else []


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector: the objects of a run live until it is stored, and scanning them takes
    longer the longer the run is."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _import(
    store: Store, files: RunFiles, runs: list[ImportedRun], problems: list[str], changed: set[str]
) -> None:
    from one_trace.assemble import assemble
    from one_trace.record.reading import read

    try:
        assembly = assemble(read(files))
    except RecordError as problem:
        problems.append(f"{files.flow_key}-{files.run_id}: {problem.message}")
        return
    except OSError as error:
        problems.append(f"{files.flow_key}-{files.run_id}: {error.strerror or error}: {error.filename}")
        return
    run = assembly.trace.run
    if assembly.flow_changed:
        changed.add(run.flow_key)
    kept = store.kept(run.run_id)
    if kept is not None and _is_another(kept, run):
        problems.append(
            f"{files.flow_key}-{files.run_id}: left out, another run of this id is kept (of {kept.cwd})"
        )
        return
    state: Saved = "unchanged" if kept is not None and _worse(kept, assembly) else store.save(assembly)
    runs.append(ImportedRun(run.run_id, run.flow_key, run.status, run.counts.spans, state))
    if run.partial:
        problems.extend(f"{files.flow_key}-{files.run_id}: {reason}" for reason in run.partial)


def _is_another(kept: Kept, run: Run) -> bool:
    """Whether the store has another run with this id. A record that has lost its state has another start,
    and so another trace id: in the same folder it is the same run."""
    if kept.trace_id == run.trace_id:
        return False
    return kept.cwd != run.cwd or (kept.whole and not run.partial)


def _worse(kept: Kept, assembly: Assembly) -> bool:
    """Whether the store has a fuller version of a run: the record was damaged since, is an older copy, or
    would be read with a flow file that is not the one that ran."""
    run = assembly.trace.run
    ended = kept.status != "incomplete"
    if ended and (run.status == "incomplete" or run.counts.spans < kept.spans):
        return True
    return kept.whole and ended and (bool(run.partial) or assembly.flow_changed)


def _report(runs: list[ImportedRun], problems: list[str], changed: set[str]) -> ImportReport:
    states = [run.state for run in runs]
    return ImportReport(
        imported=states.count("new"),
        updated=states.count("updated"),
        unchanged=states.count("unchanged"),
        runs=runs,
        problems=problems,
        changed_flows=sorted(changed),
    )


def _page(report: ImportReport) -> str:
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
    if report.changed_flows:
        names = ", ".join(clean(key) for key in report.changed_flows)
        lines.append(
            f"Changed since some of these runs, which keep the version that was known of them: {names}"
        )
    if report.imported + report.updated:
        lines.append("See them: one trace list")
    if report.next:
        lines.append(f"Deliver them: {report.next}")
    return "\n".join(lines)
