"""A history in ClickHouse: what a team's OpenTelemetry collector has put there, read back.

`tables` are the typed tables and the views that fill them (printed by ``one trace history ddl``), `client`
asks the server over HTTP, and one module a question reads plain rows into what `analyse` and `model` know.
Nothing else in the package knows that there is SQL of this kind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from one_trace.history.clickhouse.history import ClickHouseHistory
    from one_trace.history.health import Health
    from one_trace.settings.history_url import HistoryUrl


def history_at(
    url: HistoryUrl, password: str | None, repository_of: Callable[[str], str | None]
) -> ClickHouseHistory:
    """The history at a URL, which is first connected to when it is asked. `repository_of`: the URL of a
    folder's repository, as runs of it are sent."""
    from one_trace.history.clickhouse.client import Client
    from one_trace.history.clickhouse.history import ClickHouseHistory

    client = Client(url.base, url.database, user=url.user, password=password)
    return ClickHouseHistory(client, url.shown, repository_of)


def health_of(url: HistoryUrl, password: str | None, trace_id: str | None, *, timeout_s: float) -> Health:
    """How the history at a URL is, asked within so many seconds. Raises CliError."""
    from contextlib import closing

    from one_trace.history.clickhouse.client import Client
    from one_trace.history.clickhouse.health import health

    client = Client(url.base, url.database, user=url.user, password=password, timeout_s=timeout_s)
    with closing(client):
        return health(client, trace_id)
