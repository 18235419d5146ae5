"""`trace tag`: give a run tags, or remove them."""

from __future__ import annotations

import click

from one_trace.answers.reports import TaggedRun
from one_trace.cli.configured import configured
from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.cli.stored import stored_key
from one_trace.errors import WrongUsage
from one_trace.guard.text import clean, valid
from one_trace.model.tags import parse
from one_trace.store import Store
from one_trace.store.tags import change


@click.command(
    "tag",
    epilog=examples("one trace tag last env=staging ticket=ABC-1", "one trace tag 3f2a env="),
)
@click.argument("run")
@click.argument("tags", nargs=-1, metavar="[K=V]...")
def command(run: str, tags: tuple[str, ...]) -> None:
    """Give RUN these tags, over those that it has; K= removes one. Without tags: print them.

    A run that was delivered keeps its old tags there until 'one trace share' sends it again.
    """
    try:
        changes = [parse(valid(text)) for text in tags]
    except ValueError as error:
        raise WrongUsage(f"not a tag: {error}", hint="one trace tag RUN KEY=VALUE") from None
    with Store(configured().store_path, readonly=not changes) as store:
        trace_id = store.trace(stored_key(store, run)).run.trace_id
        if changes:
            try:
                with store.connection.writing() as connection:
                    change(connection, store.number(trace_id), changes)
            except ValueError as error:
                raise WrongUsage(str(error), hint="KEY= removes a tag.") from None
        found = store.trace(trace_id).run
    lines = [clean(f"{key}={value}") for key, value in found.tags.items()]
    out().answer(TaggedRun(run_id=found.run_id, tags=found.tags), "\n".join(lines) or "No tags.")
