"""A connection to the store on which no error of SQLite goes untranslated.

The only place that makes and holds a `sqlite3.Connection`: all SQL of the program, that of other rooms too,
runs through `Connection.execute`, and rows are fetched through `Rows`, since SQLite finds damage while it
reads.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from one_trace.errors import StoreError
from one_trace.store.store_errors import FAULTS, translated

Row = tuple[Any, ...]
Translate = Callable[[Path, BaseException], StoreError]


BUSY_MS = 5000
"""How long another process's transaction is waited for."""


class Rows:
    """What a statement gave."""

    def __init__(self, cursor: sqlite3.Cursor, path: Path, translate: Translate) -> None:
        self._cursor = cursor
        self._path = path
        self._translate = translate

    @property
    def rowcount(self) -> int:
        return self._cursor.rowcount

    def __iter__(self) -> Iterator[Row]:
        try:
            # `yield from` would close the cursor with this generator, and `islice` makes several.
            for row in self._cursor:  # noqa: UP028
                yield row
        except FAULTS as error:
            raise self._translate(self._path, error) from error

    def chunks(self, size: int = 300) -> Iterator[list[Row]]:
        """All rows, so many at a time: few enough that Python does not look through them for garbage."""
        rows = iter(self)
        while some := list(islice(rows, size)):
            yield some

    def fetchone(self) -> Any:  # noqa: ANN401  a row, or None
        try:
            return self._cursor.fetchone()
        except FAULTS as error:
            raise self._translate(self._path, error) from error

    def fetchall(self) -> list[Any]:
        try:
            return self._cursor.fetchall()
        except FAULTS as error:
            raise self._translate(self._path, error) from error


class Connection:
    """SQL on the store at `path`. Raises StoreError, whatever SQLite raises."""

    def __init__(self, raw: sqlite3.Connection, path: Path, translate: Translate = translated) -> None:
        self._raw = raw
        self._path = path
        self._translate = translate

    def __enter__(self) -> Self:
        """Where what follows fails, the connection is closed; where it does not, it stays open."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.close()

    @property
    def in_transaction(self) -> bool:
        return self._raw.in_transaction

    def execute(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Rows:
        try:
            return Rows(self._raw.execute(sql, values), self._path, self._translate)
        except FAULTS as error:
            raise self._translate(self._path, error) from error

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> Rows:
        try:
            return Rows(self._raw.executemany(sql, rows), self._path, self._translate)
        except FAULTS as error:
            raise self._translate(self._path, error) from error

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One write transaction: all of it or nothing."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self.in_transaction:
                with suppress(StoreError):  # what went wrong first is what is told
                    self.execute("ROLLBACK")
            raise

    def copy_to(self, other: Connection) -> None:
        try:
            self._raw.backup(other._raw)
        except FAULTS as error:
            raise self._translate(self._path, error) from error

    def close(self) -> None:
        try:
            self._raw.close()
        except FAULTS as error:
            raise self._translate(self._path, error) from error


def connected(
    database: str, path: Path, *, uri: bool = False, translate: Translate = translated
) -> Connection:
    """A connection to `database`, which errors call `path`."""
    try:
        raw = sqlite3.connect(database, isolation_level=None, timeout=BUSY_MS / 1000, uri=uri)
    except FAULTS as error:
        raise translate(path, error) from error
    return Connection(raw, path, translate)
