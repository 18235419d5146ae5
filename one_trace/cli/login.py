"""`trace login`: save the key of traces.com."""

from __future__ import annotations

import os
import sys

import click

from one_trace.answers.reports import SavedKey
from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.errors import WrongUsage
from one_trace.guard.text import valid
from one_trace.settings import credentials

_LONGEST = 4096


@click.command("login", epilog=examples("one trace login", "one trace login < key.txt"))
def command() -> None:
    """Save the key of traces.com in a file that only you can read. Asks for it on a terminal, else reads it
    from standard input.
    """
    output, path = out(), credentials.credentials_path()
    if sys.stdin.isatty() and not output.agent:
        key = output.ask_secret("Key of traces.com (trk_...)").strip()
    else:
        key = sys.stdin.buffer.read(_LONGEST).decode("utf-8", "replace").strip()
    if not key:
        raise WrongUsage("no key was given", hint="one trace login < key.txt, or run it in a terminal.")
    if not (key.isascii() and key.isprintable() and not set(key) & set(" \"'\\")):
        raise WrongUsage("this is not a key: it contains spaces or other characters that keys never have")
    credentials.save_key(path, key)
    if not key.startswith("trk_"):
        output.note("warning: keys of traces.com begin with trk_, and this one does not")
    note = ""
    if os.environ.get(credentials.API_KEY):
        note = f"\nNote: {credentials.API_KEY} is set too, and takes precedence."
    text = f"Key saved in {path}. 'one trace sync' sends what is queued.{note}"
    output.answer(SavedKey(saved=valid(str(path))), lambda: output.page.text(text))
