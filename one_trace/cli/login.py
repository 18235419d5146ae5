"""`trace login`: keep the key of traces.com."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.errors import CliError, WrongUsage
from one_trace.settings import sources

_LONGEST = 4096


@click.command(
    "login",
    epilog=examples(
        "one trace login",
        "one trace login < key.txt",
    ),
)
def command() -> None:
    """Keep the key of traces.com, in a file that only you can read. It is asked for, or read from standard
    input.
    """
    speaker, path = out(), sources.credentials_path()
    asked = sys.stdin.isatty() and not speaker.agent
    key = speaker.ask_secret("Key of traces.com (trk_...)") if asked else _given()
    key = key.strip()
    if not key:
        raise WrongUsage("no key was given", hint="one trace login < key.txt, or run it in a terminal.")
    if not (key.isascii() and key.isprintable() and not set(key) & set(" \"'\\")):
        raise WrongUsage("that is no key: it has spaces or other characters that no key has")
    keep(path, key)
    note = "" if key.startswith("trk_") else "\nIt does not begin with trk_, as keys of traces.com do."
    if os.environ.get(sources.API_KEY):
        note += f"\n{sources.API_KEY} is set as well, and goes before it."
    speaker.answer(
        {"saved": str(path)}, f"The key is kept in {path}. 'one trace sync' sends what is queued.{note}"
    )


def _given() -> str:
    return sys.stdin.buffer.read(_LONGEST).decode("utf-8", "replace")


def keep(path: Path, key: str) -> None:
    """Write the key, readable by its owner alone, whole or not at all."""
    from one_trace.guard.private import write_whole

    try:
        write_whole(path, f'api_key = "{key}"\n'.encode())
    except OSError as error:
        raise CliError(f"the key cannot be kept in {path}: {error.strerror}", code="credentials") from error
