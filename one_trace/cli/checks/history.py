"""The history that `traces.history` names: reachable, with its tables, and up to date."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from one_trace.answers.reports import Check
from one_trace.cli.checks.files import store_path
from one_trace.errors import CliError, StoreError
from one_trace.guard.files import is_plain
from one_trace.guard.text import shell_word
from one_trace.settings import credentials, paths, sources
from one_trace.settings.history_url import HistoryUrl, parse_history
from one_trace.settings.keys import LOCAL
from one_trace.view.words import counted

TIMEOUT_S = 5.0
_NAME = "history"
_PASSWORD = "history password"
_SENT = (
    "SELECT coalesce(host_run_id, run_id), trace_id, started_at FROM runs WHERE id = (SELECT run FROM outbox"
    " WHERE sink = 'otlp' AND state = 'sent' ORDER BY queued_ms DESC LIMIT 1)"
)


class _Sent(NamedTuple):
    run_id: str
    trace_id: str
    started_at: str


def history(offline: bool) -> Iterator[Check]:
    """Nothing is connected to unless the setting names a history."""
    values = sources.load()
    if values.doubt("history") is not None:
        yield Check(_NAME, "note", "not checked: the settings have to be fixed first")
    elif values.history not in (None, LOCAL):
        url = parse_history(values.history)
        yield _offline(url) if offline else _ask(url, _last_sent())
        yield from _password()


def _password() -> Iterator[Check]:
    """Who else can read the password."""
    folder = paths.config_dir(os.environ)
    kept = credentials.history_path() if folder else None
    if kept is not None and is_plain(kept) and kept.stat().st_mode & 0o077:
        yield Check(_PASSWORD, "bad", f"others can read {kept}", f"chmod 600 {shell_word(str(kept))}")
    if os.environ.get(credentials.HISTORY_PASSWORD):
        leak = f"it comes from {credentials.HISTORY_PASSWORD}, which One CLI writes to its state files"
        fix = f"one trace login --history && unset {credentials.HISTORY_PASSWORD}"
        yield Check(_PASSWORD, "note", leak, fix)


def _offline(url: HistoryUrl) -> Check:
    return Check(_NAME, "note", f"not checked: --offline; {url.shown}")


def _ask(url: HistoryUrl, sent: _Sent | None) -> Check:
    from one_trace.history import health_of

    try:
        health = health_of(url, sent.trace_id if sent else None, timeout_s=TIMEOUT_S)
    except CliError as error:
        return Check(_NAME, "bad", error.message, error.fix or error.hint)
    if health.missing:
        most = ", ".join(health.missing[:3]) + (", ..." if len(health.missing) > 3 else "")
        return Check(_NAME, "bad", f"{url.shown} lacks {most}", "one trace history ddl")
    newest = f", the newest of {health.newest_at}" if health.newest_at else ""
    state = f"{url.shown}: {counted(health.runs, 'run')}{newest}"
    if sent is None or health.arrived:
        return Check(_NAME, "ok", state)
    behind = f"run {sent.run_id} of {sent.started_at}, the last one sent by OTLP from here, has not arrived"
    return Check(_NAME, "note", f"{state}; {behind}", "one trace sync --since 1d --again")


def _last_sent() -> _Sent | None:
    """The run that was delivered to a collector last."""
    from one_trace.store import Store

    path = store_path()
    if path is None:
        return None
    try:
        with Store(path, readonly=True) as store:
            row = store.connection.execute(_SENT).fetchone()
    except StoreError:
        return None  # a finding of the check of the store
    return None if row is None else _Sent(*row)
