"""`trace import`: runs that have already happened, from the host's own files or from trace documents."""

from __future__ import annotations

import time
from bisect import insort
from collections.abc import Sequence
from pathlib import Path

import click

from one_trace.answers.reports import ImportedRun, ImportReport
from one_trace.cli.configured import configured
from one_trace.cli.known_records import KnownRecords, Outcome
from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.errors import FAILED, RecordError
from one_trace.export.document import Document, InvalidDocument, documents
from one_trace.guard.text import clean, shell_word
from one_trace.model.gc import held_back
from one_trace.model.trace import Assembly
from one_trace.record.files import ListedRun
from one_trace.store import Source, Store
from one_trace.store.reader import Kept

_MOST_INVALID = 20
"""Invalid documents in one file, after which it is not read on."""


@click.command(
    "import",
    epilog=examples(
        "one trace import",
        "one trace import run.json",
    ),
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.pass_context
def command(ctx: click.Context, paths: tuple[Path, ...]) -> None:
    """Trace runs that have already happened.

    PATH is a project, a folder of flows, a log or state file, or a file of exported trace documents (JSON or
    JSON Lines); by default '.one/flows' here. Importing twice changes nothing, what cannot be read is listed,
    and nothing is sent until you ask for it.
    """
    from one_trace.deliver import sinks
    from one_trace.record.files import listed

    values = configured("data_dir")
    documents = [path for path in paths if _is_document(path)]
    records = [path for path in paths if path not in documents]
    listed_ns = time.time_ns()
    found, problems = listed(records if paths else _here())
    report = ImportReport(problems=problems)
    if found or documents:
        with Store(values.store_path) as store:
            _import_records(store, found, report, listed_ns)
            for path in documents:
                _import_documents(store, path, report)
    if report.imported and sinks.ready(values):
        report.next = "one trace sync --since 90d"
    out().answer(report, lambda: out().page.text(_page(report)))
    if problems and not report.runs:
        ctx.exit(FAILED)


def _here() -> list[Path]:
    """Where the runs of this project are; nowhere if it has none."""
    folder = Path(".one/flows")
    return [folder] if folder.is_dir() else []


def _is_document(path: Path) -> bool:
    """Whether a path is a file of trace documents and not one of the host's own files."""
    return path.is_file() and path.absolute().parent.name not in (".logs", ".runs")


def _import_records(store: Store, runs: Sequence[ListedRun], report: ImportReport, listed_ns: int) -> None:
    known = KnownRecords(store, runs, listed_ns)
    for run in runs:
        outcome = known.outcome(run)
        _report(outcome if outcome is not None else _import_record(store, run, known), report)
    known.save()


def _import_record(store: Store, run: ListedRun, known: KnownRecords) -> Outcome:
    from one_trace.assemble import assemble
    from one_trace.record.reading import read

    try:
        with held_back():
            record = read(run.files)
            assembly = assemble(record)
    except RecordError as problem:
        outcome = Outcome(problems=[f"{run.name}: {problem.message}"])
        known.add(run, outcome, None, [])
        return outcome
    except OSError as error:
        return Outcome(problems=[f"{run.name}: {error.strerror or error}: {error.filename}"])
    trace = assembly.trace
    outcome, kept = _save(store, assembly, "record")
    outcome.problems = [f"{run.name}: {reason}" for reason in trace.run.partial or ()]
    outcome.changed_flow = trace.run.flow_key if assembly.flow_changed else None
    known.add(run, outcome, kept, record.flows.looked_up)
    return outcome


def _import_documents(store: Store, path: Path, report: ImportReport) -> None:
    invalid = 0
    try:
        for document in documents(path):
            try:
                _import_document(store, document, report)
            except InvalidDocument as problem:
                report.problems.append(f"{document.place}: {problem.message}")
                invalid += 1
            if invalid == _MOST_INVALID:
                report.problems.append(f"{path}: too many invalid documents, the rest is not read")
                return
    except OSError as error:
        report.problems.append(f"{path}: {error.strerror or error}")


def _import_document(store: Store, document: Document, report: ImportReport) -> None:
    trace = document.trace()
    kept = store.kept(trace.run, exactly=True)
    if kept is not None and kept.run_id != trace.run.run_id:
        raise InvalidDocument(f"run.traceId: is that of run {clean(kept.run_id)}")
    _report(_save(store, Assembly(trace=trace), "document")[0], report)


def _save(store: Store, assembly: Assembly, source: Source) -> tuple[Outcome, Kept | None]:
    run = assembly.trace.run
    state = store.save(assembly, source=source)
    outcome = Outcome(
        ImportedRun(run.run_id, run.flow_key, run.status, run.counts.spans, state, run.trace_id)
    )
    kept = store.kept(run)
    if kept is not None and kept.key != run.run_id:
        show = f"one trace show {shell_word(kept.key)}"
        outcome.note = f"another run has the id {run.run_id} too; this one is shown by: {show}"
    return outcome, kept


def _report(outcome: Outcome, report: ImportReport) -> None:
    run = outcome.run
    if run is not None:
        report.runs.append(run)
        report.imported += run.state == "new"
        report.updated += run.state == "updated"
        report.unchanged += run.state == "unchanged"
    report.problems += outcome.problems
    if outcome.note:
        report.notes.append(outcome.note)
    if outcome.changed_flow is not None and outcome.changed_flow not in report.changed_flows:
        insort(report.changed_flows, outcome.changed_flow)


def _page(report: ImportReport) -> str:
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
        lines += ["Not read, or only in part:", *(f"  {clean(problem)}" for problem in report.problems)]
    lines += [clean(note) for note in report.notes]
    if report.changed_flows:
        names = ", ".join(clean(key) for key in report.changed_flows)
        lines.append(f"Flows changed since some of these runs, which keep their known version: {names}")
    if report.imported + report.updated:
        lines.append("See them: one trace list")
    if report.next:
        lines.append(f"Deliver them: {report.next}")
    return "\n".join(lines)
