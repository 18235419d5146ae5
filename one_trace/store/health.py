"""Whether a traced run can be stored: asked by the road that it takes."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

from one_trace.errors import StoreError
from one_trace.store.connect import beside, is_newer, others, there
from one_trace.store.connection import Connection
from one_trace.store.store import Store
from one_trace.store.store_errors import damaged, disk_full, full, store_errors, unusable
from one_trace.store.verify import damage

_SPACE = 1 << 20
"""Bytes that a new store and a run need."""


class Health(Struct):
    """`runs`: how many there are, None where there is no store yet. `own`: where this copy's runs are kept,
    if the store is of a newer one. `left_out`: stores of older copies that could not be taken in.
    """

    runs: int | None
    own: Path | None = None
    left_out: list[Path] = []


def examine(path: Path) -> Health:
    """Look at the store at `path`, whole. Raises StoreError where a run could not be stored in it, or what
    is in it not be read.
    """
    with store_errors(path):
        if not there(path):
            _check_place(path)
            return Health(None)
    if is_newer(path):
        own = beside(path)
        return Health(_examine(own) if own.exists() else None, own=own)
    runs = _examine(path)
    return Health(runs, left_out=[other for other in others(path) if _holds_runs(other)])


def _examine(path: Path) -> int:
    with Store(path) as store:
        if full(path):
            raise disk_full(path, "nothing can be written beside it")
        _write_and_take_back(store.connection)
        wrong = damage(store.connection)
        if wrong is not None:
            raise damaged(path, wrong)
        return len(store.runs())  # by the road of all who read: each run must make sense as a whole


def _write_and_take_back(connection: Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT OR REPLACE INTO namespaces VALUES ('', '', '{}', 0)")
    connection.execute("ROLLBACK")


def _check_place(path: Path) -> None:
    """Whether a store can be made at `path`."""
    folder = next(folder for folder in path.parents if folder.exists())
    try:
        room = os.statvfs(folder)
    except OSError as error:
        raise unusable(path, error) from error
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise unusable(path, PermissionError(13, f"{folder} cannot be written"))
    if room.f_bavail * room.f_frsize < _SPACE:
        raise disk_full(path, "less than 1 MiB is free")


def _holds_runs(other: Path) -> bool:
    try:
        with Store(other, readonly=True) as store:
            return store.count() > 0
    except StoreError:
        return True
