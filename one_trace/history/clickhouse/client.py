"""Questions to a ClickHouse server by its HTTP interface: read-only, bounded, values only as parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from one_trace.deliver.http_client import HttpClient, Server
from one_trace.deliver.retry import Deadline, DeliveryError
from one_trace.errors import CliError, NetworkError
from one_trace.guard.urls import Url
from one_trace.history.clickhouse.refusals import HINT, refusal
from one_trace.history.clickhouse.row_binary import RowBinary
from one_trace.store.rows import plain

Value = str | int | float | Sequence[str]
Params = Mapping[str, Value]
"""The values of ``{name:Type}`` in a query."""

TIMEOUT_S = 60.0
"""What the server may work on a question. The client waits a little longer, to hear why it gave up."""
_GRACE_S = 5.0
_LONGEST_ANSWER = 1 << 29
_LIMITS = {
    # 1 would refuse the other limits where they come with it.
    "readonly": 2,
    "max_result_rows": 5_000_000,
    "max_result_bytes": _LONGEST_ANSWER,
    "max_memory_usage": 1 << 32,
    # The server answers when it knows the whole answer, so that an error is never the end of half of one.
    "wait_end_of_query": 1,
    "output_format_json_quote_64bit_integers": 0,
    # All rows of one key are in one partition: both begin with the start of the run.
    "do_not_merge_across_partitions_select_final": 1,
}
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"})
_QUOTES = str.maketrans({"\\": "\\\\", "'": "\\'"})


class _Rows(Struct):
    data: list[list[Any]]


_rows = msgspec.json.Decoder(_Rows)


class Client:
    """A server and a database in it. No connection is made before the first question.

    Every question raises CliError: NotAuthorised, NetworkError, or one with the code ``no-history-tables``.
    """

    def __init__(
        self, base: Url, database: str, *, user: str, password: str | None, timeout_s: float = TIMEOUT_S
    ) -> None:
        self.base = base
        self.database = database
        self.timeout_s = timeout_s
        headers = {"X-ClickHouse-User": user or "default"}
        if password:
            headers["X-ClickHouse-Key"] = password
        self._server = Server(
            url=base,
            headers={**headers, "Content-Type": "text/plain; charset=utf-8"},
            secrets=[password] if password else [],
            timeout_s=timeout_s + _GRACE_S,
            retryable=frozenset(),
            tries=2,
            longest_answer=_LONGEST_ANSWER,
        )
        self._http: HttpClient | None = None

    def close(self) -> None:
        if self._http is not None:
            self._http.close()
            self._http = None

    def rows(self, sql: str, params: Params | None = None) -> list[list[Any]]:
        """The rows of a SELECT, as JSON has them."""
        body = self._ask(f"{sql}\nFORMAT JSONCompact", params or {})
        try:
            return _rows.decode(body).data
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._unreadable() from error

    def table(self, sql: str, params: Params | None = None) -> RowBinary:
        """The rows of a SELECT in ClickHouse's binary form, to be read column by column."""
        return RowBinary(self._ask(f"{sql}\nFORMAT RowBinary", params or {}), self._unreadable)

    def _ask(self, sql: str, params: Params) -> bytes:
        settings = {**_LIMITS, "database": self.database, "max_execution_time": int(self.timeout_s) or 1}
        given = {f"param_{name}": _text(value) for name, value in params.items()}
        url = self.base._replace(path="/", query=urlencode({**settings, **given}))
        try:
            http = self._client()
            answer = http.answer("POST", url, sql.encode())
        except DeliveryError as error:
            raise NetworkError(
                f"the history cannot be asked: {error.message}", hint=error.hint or HINT
            ) from None
        if answer.status != 200:
            raise refusal(answer, http)
        return answer.body

    def _client(self) -> HttpClient:
        """Each question has its own time limit, and all use one connection."""
        deadline = Deadline(self.timeout_s + _GRACE_S)
        if self._http is None:
            self._http = HttpClient(self._server, deadline)
        self._http.deadline = deadline
        return self._http

    def _unreadable(self) -> CliError:
        return NetworkError(
            f"the history cannot be asked: {self.base.shown}: its answer is not one of ClickHouse's",
            hint=HINT,
        )


def real(value: float | None) -> float | None:
    """A Float64: JSON has whole ones as integers."""
    return None if value is None else float(value)


def _text(value: Value) -> str:
    """A value as ClickHouse reads parameters: escaped text, and arrays of quoted texts."""
    if isinstance(value, str):
        return str(plain(value)).translate(_ESCAPES)
    if isinstance(value, int | float):
        return str(value)
    return "[" + ",".join(f"'{str(plain(each)).translate(_QUOTES)}'" for each in value) + "]"
