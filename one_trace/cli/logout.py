"""`trace logout`: delete the saved key of traces.com."""

from __future__ import annotations

import os

import click

from one_trace.answers.reports import DeletedKey
from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.settings import credentials


@click.command("logout", epilog=examples("one trace logout", "one --agent trace logout"))
def command() -> None:
    """Delete the key saved by 'one trace login'. The key itself stays valid: revoke it at traces.com."""
    removed = credentials.delete_key(credentials.credentials_path())
    line = "The saved key has been deleted." if removed else "There was no saved key."
    if os.environ.get(credentials.API_KEY):
        line += f" {credentials.API_KEY} is still set in the environment."
    out().answer(DeletedKey(removed=removed), lambda: out().page.text(line))
