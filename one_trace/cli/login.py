"""`trace login`: save the key of traces.com, or the password of the history."""

from __future__ import annotations

import os
import sys

import click

from one_trace.answers.reports import SavedKey
from one_trace.cli.out import Out, out
from one_trace.cli.pages import examples
from one_trace.errors import WrongUsage
from one_trace.guard.text import valid
from one_trace.settings import credentials

_LONGEST = 4096


@click.command("login", epilog=examples("one trace login", "one trace login < key.txt"))
@click.option("--history", is_flag=True, help="The password for the server and user of traces.history.")
def command(history: bool) -> None:
    """Save the key of traces.com in a file that only you can read. Asks for it on a terminal, else reads it
    from standard input.
    """
    if history:
        _keep_password(out())
    else:
        _keep_key(out())


def _keep_key(output: Out) -> None:
    path = credentials.credentials_path()
    key = _given(output, "Key of traces.com (trk_...)").strip()
    if not key:
        raise WrongUsage("no key was given", hint="one trace login < key.txt, or run it in a terminal.")
    if not (key.isascii() and key.isprintable() and not set(key) & set(" \"'\\")):
        raise WrongUsage("this is not a key: it contains spaces or other characters that keys never have")
    credentials.save_key(path, key)
    if not key.startswith("trk_"):
        output.note("warning: keys of traces.com begin with trk_, and this one does not")
    text = f"Key saved in {path}. 'one trace sync' sends what is queued.{_set_too(credentials.API_KEY)}"
    output.answer(SavedKey(saved=valid(str(path))), lambda: output.page.text(text))


def _keep_password(output: Out) -> None:
    from one_trace.cli.reading import place_of

    url, path = place_of(None), credentials.history_path()
    if url is None:
        hint = "one config set traces.history clickhouse://HOST:8443/DATABASE"
        raise WrongUsage("traces.history names no history that needs a password", hint=hint)
    password = _given(output, f"Password of {url.user} at {url.server}")
    if not password:
        hint = "one trace login --history < password.txt, or run it in a terminal."
        raise WrongUsage("no password was given", hint=hint)
    if not password.isprintable():
        raise WrongUsage("this is not a password: it contains characters that cannot be printed")
    credentials.save_history_password(path, url, password)
    text = f"Password for {url.user} at {url.server} saved in {path}.{_set_too(credentials.HISTORY_PASSWORD)}"
    output.answer(SavedKey(saved=valid(str(path)), history=url.shown), lambda: output.page.text(text))


def _given(output: Out, question: str) -> str:
    """The secret, from the terminal or standard input, without the end of its line."""
    if sys.stdin.isatty() and not output.agent:
        return output.ask_secret(question)
    return sys.stdin.buffer.read(_LONGEST).decode("utf-8", "replace").rstrip("\r\n")


def _set_too(variable: str) -> str:
    return f"\nNote: {variable} is set too, and takes precedence." if os.environ.get(variable) else ""
