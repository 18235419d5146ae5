"""The questions about many runs, and who answers them: the store of this machine, or a team's engine.

`protocol.History` is what commands ask; `local` answers from the store, `clickhouse` from the tables that a
team's OpenTelemetry collector fills. Both answer in the plain data of `model` and `analyse`, so that
documents and figures are the same. A command knows only `History`; nobody but `opened` knows which one it is.
`profiles` asks a history for what findings are made of. May look at the store, the analysis and the settings;
must know nothing of documents, terminals or options.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from one_trace.history.health import Health
    from one_trace.history.protocol import History
    from one_trace.settings.history_url import HistoryUrl
    from one_trace.settings.sources import Settings


@contextmanager
def opened(
    settings: Settings, elsewhere: HistoryUrl | None = None, *, much: bool = False
) -> Iterator[History]:
    """The store of this machine, or the history at `elsewhere`, which is first connected to when it is asked.
    `much`: a large part of it will be read."""
    if elsewhere is not None:
        with closing(_connected(elsewhere)) as history:
            yield history
        return
    from one_trace.history.local import LocalHistory
    from one_trace.store import Store

    with Store(settings.store_path, readonly=True).until_the_end() as store:
        yield LocalHistory(store, much=much)


def _connected(url: HistoryUrl) -> History:
    from one_trace.history.clickhouse import history_at
    from one_trace.history.repositories import repository_of
    from one_trace.settings.credentials import history_password

    return history_at(url, history_password(url), repository_of)


def health_of(url: HistoryUrl, trace_id: str | None, *, timeout_s: float) -> Health:
    """How the history at a URL is, and whether a run has arrived there. Raises CliError."""
    from one_trace.history import clickhouse
    from one_trace.settings.credentials import history_password

    return clickhouse.health_of(url, history_password(url), trace_id, timeout_s=timeout_s)
