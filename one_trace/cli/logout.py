"""`trace logout`: forget the key of traces.com."""

from __future__ import annotations

import os

import click

from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.errors import CliError
from one_trace.settings import sources


@click.command(
    "logout",
    epilog=examples(
        "one trace logout",
        "one --agent trace logout",
    ),
)
def command() -> None:
    """Forget the key that 'one trace login' kept. The key itself stays valid: revoke it at traces.com."""
    from one_trace.guard.private import sweep_drafts

    path = sources.credentials_path()
    sweep_drafts(path)
    try:
        path.unlink()
        removed = True
    except FileNotFoundError:
        removed = False
    except OSError as error:
        raise CliError(f"{path} cannot be deleted: {error.strerror}", code="credentials") from error
    line = "The key is forgotten." if removed else "There was no key to forget."
    if os.environ.get(sources.API_KEY):
        line += f" {sources.API_KEY} is still set in the environment."
    out().answer({"removed": removed}, line)
