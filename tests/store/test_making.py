"""Creating the store: completely or not at all, on any file system."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from machine import ROOT, Machine
from made import assembly

from one_trace.errors import StoreError
from one_trace.store import Store, opening
from one_trace.store.connection import Connection

RUN = ["--agent", "flow", "execute", "x", "--trace"]
NO_LINKS = """
import errno, os
def link(*args, **options):
    raise PermissionError(errno.EPERM, "Operation not permitted")
os.link = link
"""
NO_LOCKS_OF_FOLDERS = """
import errno, fcntl
def flock(*args):
    raise OSError(errno.ENOLCK, "No locks available")
fcntl.flock = flock
"""
NO_SHARED_MEMORY = """
import sqlite3
connect = sqlite3.connect
def dotfile(database, *args, uri=False, **options):
    name = database if uri else f"file:{database}?vfs=unix-dotfile"
    return connect(name if database != ":memory:" else database, *args, uri=True, **options)
sqlite3.connect = dotfile
"""
KILLED = """
import os, signal
os.rename = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def player(machine: Machine) -> Machine:
    machine.player("02-linear-unicode")
    return machine


def changed(machine: Machine, text: str) -> dict[str, str]:
    """The environment of a program in which `text` was run first."""
    folder = machine.root / "changed"
    machine.write(folder / "sitecustomize.py", text)
    return {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


@pytest.mark.parametrize("lack", [NO_LINKS, NO_LOCKS_OF_FOLDERS, NO_SHARED_MEMORY])
def test_a_store_is_created_without_links_locks_or_shared_memory(player: Machine, lack: str) -> None:
    env = changed(player, lack)
    together = [player.start(*RUN, env=env) for _ in range(2 if lack == NO_LINKS else 1)]
    for process in together:
        assert b"trace:saved" in process.communicate(timeout=120)[1]
    assert b"trace:saved" in player.one(*RUN, env=env).err
    listed = player.one("--agent", "trace", "list", env=env).document
    assert len(listed["runs"]) == len(together) + 1


def test_a_store_moved_to_where_memory_cannot_be_shared_leaves_wal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "traces.db"
    with Store(path) as store:
        store.save(assembly())
    failed = []

    class Cause(Exception):
        sqlite_errorname = "SQLITE_IOERR_SHMMAP"

    ready = opening._open_file

    def once(path: Path, *, readonly: bool) -> Connection:
        if not failed:
            failed.append(1)
            raise StoreError("no shared memory", code="store-unwritable") from Cause()
        return ready(path, readonly=readonly)

    monkeypatch.setattr(opening, "_open_file", once)
    with Store(path) as store:
        assert store.connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert len(store.runs()) == 1


def test_a_store_is_created_with_a_rollback_journal_if_wal_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = opening._fill

    def no_log(place: Path, path: Path, journal: str) -> None:
        fill(place, path, journal)
        if journal == "WAL":
            raise StoreError("locking protocol")

    monkeypatch.setattr(opening, "_fill", no_log)
    with Store(tmp_path / "traces.db") as store:
        assert store.connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_the_draft_of_a_killed_process_is_deleted_by_the_next(player: Machine) -> None:
    killed = player.one(*RUN, env=changed(player, KILLED))
    assert killed.code == -signal.SIGKILL
    (left,) = player.data.glob(".traces.db.draft-*")
    assert left.stat().st_mode & 0o077 == 0
    for suffix in ("-wal", "-shm", "-journal"):
        left.with_name(left.name + suffix).write_bytes(b"x")
    assert player.one(*RUN).saved
    assert not [file.name for file in player.data.iterdir() if file.name.startswith(".")]


def test_old_drafts_beside_an_existing_store_are_deleted(player: Machine) -> None:
    player.one(*RUN)
    gone = 2**22 + 1  # no process has such a number
    for suffix in ("", "-wal", "-shm"):
        (player.data / f".traces.db.draft-{gone}-0123abcd{suffix}").write_bytes(b"x")
    mine = player.data / f".traces.db.draft-{os.getpid()}-0123abcd"
    mine.write_bytes(b"x")
    player.runs()
    assert [file for file in player.data.iterdir() if file.name.startswith(".")] == [mine]


def test_a_store_is_published_only_if_all_of_it_is_in_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_uses_side_files", lambda draft: True)
    with pytest.raises(StoreError):
        Store(tmp_path / "traces.db")
    assert list(tmp_path.iterdir()) == []
