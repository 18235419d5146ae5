"""`trace logout`: delete the saved key of traces.com, or the saved password of the history."""

from __future__ import annotations

import os

import click

from one_trace.answers.reports import DeletedKey
from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.settings import credentials


@click.command("logout", epilog=examples("one trace logout", "one --agent trace logout"))
@click.option("--history", is_flag=True, help="The password that 'one trace login --history' saved.")
def command(history: bool) -> None:
    """Delete the key saved by 'one trace login'. The key itself stays valid: revoke it at traces.com."""
    path = credentials.history_path() if history else credentials.credentials_path()
    variable = credentials.HISTORY_PASSWORD if history else credentials.API_KEY
    what = "password" if history else "key"
    removed = credentials.delete_key(path)
    line = f"The saved {what} has been deleted." if removed else f"There was no saved {what}."
    if os.environ.get(variable):
        line += f" {variable} is still set in the environment."
    out().answer(DeletedKey(removed=removed), lambda: out().page.text(line))
