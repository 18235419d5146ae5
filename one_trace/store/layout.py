"""Which migrations a store has, and applying those that it lacks."""

from __future__ import annotations

from collections.abc import Collection, Set
from pathlib import Path

from one_trace.errors import StoreError
from one_trace.store.connection import Connection
from one_trace.store.migrations import KNOWN, LEDGERS, MIGRATIONS
from one_trace.store.store_errors import damaged, shown

_BREAKING = frozenset(each.name for each in MIGRATIONS if not each.additive)


class NewerLayout(Exception):
    """The store has a breaking migration that this copy does not know: it must not be written."""


def bring_up_to_date(connection: Connection, path: Path) -> None:
    """Apply what is missing. Raises NewerLayout, StoreError."""
    if not missing(connection, path):
        return
    with connection.writing():
        # Asked again: another process may have been here while we waited.
        apply(connection, missing(connection, path))


def missing(connection: Connection, path: Path) -> frozenset[str]:
    """Migrations that the store lacks. Raises NewerLayout, StoreError where it is no store of ours."""
    names = _applied(connection, path)
    newer = names["migrations"] - KNOWN
    if newer and not names["migrations"] >= _BREAKING:
        # Whoever applied a newer one has applied all older ones: these names are not what was written.
        raise damaged(path, f"it has {', '.join(sorted(map(ascii, newer)))}, and not what came before")
    if newer:
        raise NewerLayout(", ".join(sorted(newer)))
    return KNOWN - names["migrations"] - names["additions"]


def apply(connection: Connection, names: Collection[str]) -> None:
    """Apply the migrations of these names, in their order, in the caller's transaction."""
    for ledger in LEDGERS.values():
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {ledger} "
            "(name TEXT PRIMARY KEY, applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)"
        )
    for name, sql, additive in MIGRATIONS:
        if name in names:
            # Statement by statement: executescript would commit the transaction around it.
            for statement in filter(str.strip, sql.split(";")):
                connection.execute(statement)
            connection.execute(f"INSERT INTO {LEDGERS[additive]} (name) VALUES (?)", (name,))


def newer(path: Path) -> StoreError:
    return StoreError(
        f"the store {shown(path)} was written by a newer one-trace",
        hint="Upgrade one-trace (pip install -U one-trace), or set another traces.data_dir.",
        code="store-newer",
    )


def _applied(connection: Connection, path: Path) -> dict[str, Set[str]]:
    """Names by ledger; none at all in an empty database."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and "migrations" not in tables:
        raise damaged(path, "it is a database, but has not the tables of one-trace")
    return {
        ledger: {str(name) for (name,) in connection.execute(f"SELECT name FROM {ledger}")}
        if ledger in tables
        else set()
        for ledger in LEDGERS.values()
    }
