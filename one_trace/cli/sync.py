"""`trace sync`: deliver what is still queued."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from one_trace.answers.reports import SyncedRun, SyncReport
from one_trace.cli.configured import configured
from one_trace.cli.delivering import as_error
from one_trace.cli.out import Out, out
from one_trace.cli.pages import examples
from one_trace.cli.params import MOMENT
from one_trace.deliver.sender import DeliveryResult
from one_trace.deliver.sinks import left_out, make, ready, why_not_ready, why_not_sent
from one_trace.deliver.sync import Synced, sync
from one_trace.errors import CliError
from one_trace.settings.sources import DELIVERY, Settings
from one_trace.store import Store


@click.command(
    "sync",
    epilog=examples(
        "one trace sync",
        "one trace sync --since 90d",
    ),
)
@click.option(
    "--since",
    type=MOMENT,
    metavar="AGE",
    help="First queue the runs since then that never were, imported ones too.",
)
@click.option("--again", is_flag=True, help="Queue also what was sent before: since then, or ever.")
@click.option("--retry-failed", is_flag=True, help="Also what was refused (key, scope, namespace).")
@click.pass_context
def command(ctx: click.Context, since: int | None, again: bool, retry_failed: bool) -> None:
    """Deliver what is still queued; exits with 0 only if nothing is left."""
    speaker = out()
    asked = since is not None or again
    found = configured("data_dir", *DELIVERY)
    names = ready(found)
    for name in names:
        make(name, found)  # a wrong setting is one error, not one for each run
    missing = left_out(names)
    if missing:
        note = {"event": "trace:trouble", "code": missing.code, "message": missing.message}
        speaker.note(f"{missing.message}. {missing.hint}", **note, hint=missing.hint)
    with Store(found.store_path) as store:
        if not names:
            synced = _nothing_ready(store, found, asked=asked)
        else:
            with _progress(speaker) as progress:
                synced = sync(
                    store,
                    found,
                    names,
                    since_ms=since,
                    again=again,
                    retry_failed=retry_failed,
                    progress=progress,
                )
    _answer(ctx, speaker, synced, found, asked=asked)


def _answer(ctx: click.Context, speaker: Out, synced: Synced, found: Settings, *, asked: bool) -> None:
    report, problem = _report(synced, found)
    if speaker.agent:
        speaker.answer(report, "")
    else:
        speaker.answer(report, speaker.page.text(_page(report, asked=asked)))
        if problem:
            speaker.fail(problem)
    if problem:
        ctx.exit(problem.exit_code)


def _nothing_ready(store: Store, found: Settings, *, asked: bool) -> Synced:
    """The runs that are left, for sinks that are not set any more. Raises CliError if others are, too."""
    from one_trace.store.outbox import Outbox

    rest = Outbox(store).undelivered()
    if asked or any(sink in found.sinks for _, sink, _, _ in rest):
        raise why_not_ready(found)
    return Synced(rest=rest)


def _report(synced: Synced, found: Settings) -> tuple[SyncReport, CliError | None]:
    rows = [SyncedRun(each.job.run_id, each.job.sink, "sent", url=each.url) for each in synced.sent]
    unsendable = {sink: why_not_sent(sink, found) for _, sink, _, _ in synced.rest}
    for run_id, sink, state, error in synced.rest:
        why = unsendable[sink]
        rows.append(SyncedRun(run_id, sink, state, error=why.message if why else error))
    queued = sum(row.state == "queued" for row in rows)
    failed = sum(row.state == "failed" for row in rows)
    report = SyncReport(
        sent=len(synced.sent), queued=queued, failed=failed, runs=rows, newly_queued=synced.newly_queued
    )
    if not synced.rest:
        return report, None
    problem = as_error(synced.problem) if synced.problem else _left(synced.rest, unsendable)
    report.error = {"code": problem.code, "message": problem.message, "hint": problem.hint}
    return report, problem


def _left(rest: list[tuple[str, str, str, str]], unsendable: dict[str, CliError | None]) -> CliError:
    """Why runs are left although nothing went wrong. `unsendable`: by sink, why nothing is sent to it."""
    from one_trace.errors import NotAuthorised
    from one_trace.view.words import counted

    if any(state == "failed" and not unsendable[sink] for _, sink, state, _ in rest):
        return NotAuthorised(
            "some runs were refused before and were not tried again",
            hint="When key, scope and namespace are right: one trace sync --retry-failed",
        )
    for name, why in unsendable.items():
        if why:
            runs = counted(sum(sink == name for _, sink, _, _ in rest), "run")
            message = f"{runs} queued for {name}: {why.message}"
            return CliError(message, hint=why.hint, code=why.code)
    return CliError("some runs are not delivered yet: another process is sending them", hint="Try again.")


def _page(report: SyncReport, *, asked: bool) -> str:
    from one_trace.guard.text import clean
    from one_trace.view.words import counted

    left = "" if report.error is None else f", {report.queued + report.failed:,} left"
    queued = f"{counted(report.newly_queued, 'run')} newly queued. " if asked else ""
    lines = [f"{queued}{counted(report.sent, 'run')} sent{left}."]
    rest = [row for row in report.runs if row.state != "sent"]
    lines += [f"  {row.run_id} → {row.sink}: {clean(row.error or row.state)}" for row in rest[:20]]
    return "\n".join(lines)


@contextmanager
def _progress(speaker: Out) -> Iterator[Callable[[int, int, DeliveryResult | None], None]]:
    """A progress bar on a terminal's stderr."""
    if speaker.agent or not sys.stderr.isatty():
        yield lambda done, total, outcome: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from one_trace.guard.text import clean
    from one_trace.view.console import SizedConsole

    run = TextColumn("{task.description}", markup=False)
    columns = (TextColumn("sending"), BarColumn(), MofNCompleteColumn(), run)
    with Progress(*columns, console=SizedConsole(sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=None)

        def progress(done: int, total: int, outcome: DeliveryResult | None) -> None:
            description = "" if outcome is None else clean(outcome.job.run_id)
            bar.update(task, completed=done, total=total, description=description)

        yield progress
