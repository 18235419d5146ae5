"""A connection to the store that reports every error of SQLite as a StoreError.

The only module that holds a `sqlite3.Connection`: all SQL of the program, also that of other packages, runs
through `Connection.execute`. Rows are fetched through `Rows`, because SQLite finds damage while it reads.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

from one_trace.errors import StoreError
from one_trace.store.store_errors import FAULTS, newer, store_errors, translated

Row = tuple[Any, ...]

BUSY_MS = 5000
"""How long to wait for the transaction of another process."""
_LONG_LOG = 1 << 19
"""Bytes of a log (WAL) that takes a process longer to read, when it opens the store, than is worth it."""
_left: dict[Path, sqlite3.Connection] = {}
"""Connections that stay open until this process ends, one for each store."""


def _is_numbered(sql: str) -> bool:
    """Whether the parameters of a statement have numbers, as in ``?1``."""
    return sql.partition("?")[2][:1].isdigit()


def _by_name(values: Sequence[Any] | Mapping[str, Any]) -> Mapping[str, Any]:
    """Values of numbered parameters. To Python numbers are names, and from 3.14 on it takes no sequence for
    names."""
    if isinstance(values, Mapping):
        return values
    return {str(number): value for number, value in enumerate(values, 1)}


class Connection:
    """SQL on the store at `path`. Every method raises StoreError, whatever SQLite raises.

    `newer_layout`: the store was written by a newer one-trace. What this version cannot read in it is then
    not reported as damage.
    """

    def __init__(self, raw: sqlite3.Connection, path: Path, *, newer_layout: bool = False) -> None:
        self._raw = raw
        self.path = path
        self._newer_layout = newer_layout

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Report errors of SQLite as StoreError."""
        try:
            yield
        except FAULTS as error:
            problem = translated(self.path, error)
            if self._newer_layout and problem.code == "store-damaged":
                problem = newer(self.path)
            raise problem from error

    def execute(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Rows:
        with self.reporting():
            return Rows(self._raw.execute(sql, _by_name(values) if _is_numbered(sql) else values), self)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> Rows:
        with self.reporting():
            return Rows(self._raw.executemany(sql, map(_by_name, rows) if _is_numbered(sql) else rows), self)

    def execute_all(self, sql: str) -> None:
        """Execute statements one by one: `executescript` would commit the transaction around them."""
        statement = ""
        for part in sql.split(";"):  # those of a trigger do not end it
            statement += part + ";"
            if sqlite3.complete_statement(statement):
                self.execute(statement)
                statement = ""

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One write transaction: everything or nothing is written."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield self
            self.execute("COMMIT")
        except BaseException:
            if self._raw.in_transaction:
                with suppress(StoreError):  # the first error is the one to report
                    self.execute("ROLLBACK")
            raise

    def copy_to(self, other: Connection) -> None:
        with self.reporting():
            self._raw.backup(other._raw)

    def close(self) -> None:
        with self.reporting():
            self._raw.close()

    def leave(self) -> None:
        """Close at the end of this process, which is soon. Closing the last connection moves the log into the
        file and waits for the disk several times; ending without that does not, and loses nothing but what a
        power cut would take of the last seconds, which the record of a run brings back.

        Closed at once are connections whose log is long or empty, and all of a process but the first.
        """
        log = Path(f"{self.path}-wal")
        with suppress(OSError):
            if self.path not in _left and 0 < log.stat().st_size < _LONG_LOG:
                _left[self.path] = self._raw
                return
        self.close()


class Rows:
    """The result of a statement."""

    def __init__(self, cursor: sqlite3.Cursor, connection: Connection) -> None:
        self._cursor = cursor
        self._connection = connection

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    def __iter__(self) -> Iterator[Row]:
        with self._connection.reporting():
            # `yield from` would close the cursor together with this generator.
            for row in self._cursor:  # noqa: UP028
                yield row

    def chunks(self, size: int = 300) -> Iterator[list[Row]]:
        """All rows in lists of at most `size`: short enough not to start Python's garbage collector."""
        rows = iter(self)
        while chunk := list(islice(rows, size)):
            yield chunk

    def fetchone(self) -> Any:  # noqa: ANN401  a row, or None
        with self._connection.reporting():
            return self._cursor.fetchone()

    def fetchall(self) -> list[Any]:
        with self._connection.reporting():
            return self._cursor.fetchall()


def connected(database: str, path: Path, *, uri: bool = False, newer_layout: bool = False) -> Connection:
    """A connection to `database`, which error messages call `path`."""
    with store_errors(path):
        raw = sqlite3.connect(database, isolation_level=None, timeout=BUSY_MS / 1000, uri=uri)
    return Connection(raw, path, newer_layout=newer_layout)
