"""`trace explain`: why the log of a run was read as it was; for those who work on the assembler."""

from __future__ import annotations

import click

from one_trace.answers.explanation import explanation
from one_trace.cli.bounded import bounded
from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.cli.stored import trace_of
from one_trace.errors import CliError
from one_trace.guard.text import path_of
from one_trace.record.reading import read
from one_trace.record.search import find_by_id


@click.command("explain", epilog=examples("one trace explain last", "one trace explain 3f2a --step fetch"))
@click.argument("run")
@click.option("--all", "every", is_flag=True, help="Also the lines that could be read in one way only.")
@click.option("--step", metavar="ID", help="Only the lines of this step.")
@bounded
def command(run: str, every: bool, step: str | None) -> None:
    """Why each line of RUN's log was given to which step: the candidates, and what spoke against each.

    It reads the files that the run has left; what steps returned is not shown.
    """
    found = trace_of(run).run
    files = find_by_id(path_of(found.cwd), found.run_id) if found.cwd else None
    if files is None or files.log is None:
        raise CliError(
            f"the log of run {found.run_id} is gone", hint="Only a run whose files are kept can be explained."
        )
    from one_trace.assemble.explained import explain  # the record is there

    record = read(files)
    answer = explanation(explain(record), every=every, step=step)
    speaker = out()

    def page() -> str:
        from one_trace.view.explanation_page import render_explanation

        return render_explanation(answer, speaker.page, whole=every)

    speaker.answer(answer, page)
