"""Which records have been imported, so that the next import reads only those that have changed.

A record counts as imported while the store still has the run as that import left it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from one_trace.store.connection import Connection

_COLUMNS = "folder, name, stamp, flow_files, flow_stamp, run, revision, outcome"


class ImportedRecord(NamedTuple):
    """The import of the record `name` in `folder`. `stamp` and `flow_stamp` identify the content of its files
    and of the flow files that were read with it; `flow_files` (their paths) and `outcome` are the caller's
    own text. `run` and `revision`: what the store had afterwards, None if it could not be read."""

    folder: str
    name: str
    stamp: str
    flow_files: str
    flow_stamp: str
    run: int | None
    revision: str | None
    outcome: str


def imported(connection: Connection, folder: str) -> Mapping[str, ImportedRecord]:
    """The records imported from a folder, by name."""
    sql = (
        f"SELECT {_qualified(_COLUMNS)} FROM imports LEFT JOIN runs ON runs.id = run "
        "WHERE folder = ? AND (run IS NULL OR runs.revision = imports.revision)"
    )
    rows = connection.execute(sql, (folder,)).fetchall()
    return {record.name: record for record in map(ImportedRecord._make, rows)}


def remember(connection: Connection, records: Iterable[ImportedRecord]) -> None:
    """Remember these imports, in the caller's transaction."""
    marks = ", ".join("?" * len(ImportedRecord._fields))
    connection.executemany(f"INSERT OR REPLACE INTO imports ({_COLUMNS}) VALUES ({marks})", records)


def _qualified(columns: str) -> str:
    return ", ".join(f"imports.{name}" for name in columns.split(", "))
