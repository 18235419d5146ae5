"""The questions about many runs, and who answers them: the store of this machine, or a team's engine.

`protocol.History` is what commands ask; `local` answers from the store, `clickhouse` from the tables that a
team's OpenTelemetry collector fills. Both answer in the plain data of `model` and `analyse`, so that
documents and figures are the same. A command knows only `History`; nobody but `opened` knows which one it is.
`profiles` asks a history for what findings are made of. May look at the store, the analysis and the settings;
must know nothing of documents, terminals or options.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from one_trace.history.protocol import History
    from one_trace.settings.sources import Settings


@contextmanager
def opened(settings: Settings, *, much: bool = False) -> Iterator[History]:
    """The history to ask. `much`: a large part of it will be read."""
    from one_trace.history.local import LocalHistory
    from one_trace.store import Store

    with Store(settings.store_path, readonly=True) as store:
        yield LocalHistory(store, much=much)
