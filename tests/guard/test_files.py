"""The one reader of untrusted files, and the one writer of private ones."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from one_trace.guard import private
from one_trace.guard.files import is_plain, read_plain, read_start


def test_reads_plain_files_and_links_to_them(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100_000)
    (tmp_path / "b").symlink_to("a")
    assert read_plain(tmp_path / "b", 100_000) == b"x" * 100_000
    assert read_start(tmp_path / "b", 3) == b"xxx"
    assert is_plain(tmp_path / "b")


@pytest.mark.parametrize("kind", ["fifo", "folder", "device", "socket", "missing"])
def test_refuses_anything_but_a_plain_file_without_waiting(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "socket":
        import socket

        os.chdir(tmp_path)
        socket.socket(socket.AF_UNIX).bind("x")
    assert not is_plain(path)
    with pytest.raises(OSError, match=r"plain|folder|No such"):
        read_plain(path, 10)


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    path.touch()
    os.truncate(path, 300 << 30)
    with pytest.raises(OSError, match="larger than 64 KiB"):
        read_plain(path, 64 * 1024)


def test_a_file_may_be_shortened_and_rewritten_while_it_is_read(tmp_path: Path) -> None:
    path, over = tmp_path / "state", threading.Event()
    path.write_bytes(b"x" * 5_000_000)

    def rewrite() -> None:
        while not over.is_set():
            path.write_bytes(b"x" * 5_000_000)

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        for _ in range(100):
            assert set(read_plain(path, 10_000_000)) <= {ord("x")}
    finally:
        over.set()
        writer.join()


def test_our_files_are_private_from_their_first_byte_and_stale_drafts_are_deleted(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        target = tmp_path / "config" / "one-trace" / "key.toml"
        private.make_folder(target.parent)
        dead = target.with_name(f".{target.name}.draft-999999999-0")
        dead.write_text("key")
        private.write_whole(target, b"key")
    finally:
        os.umask(before)
    assert not dead.exists()
    assert [stat.S_IMODE(p.stat().st_mode) for p in (target, target.parent, target.parent.parent)] == [
        0o600,
        0o700,
        0o755,
    ]


@pytest.mark.parametrize("kind", ["fifo", "folder"])
def test_replaces_nothing_but_a_plain_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "key.toml"
    os.mkfifo(path) if kind == "fifo" else path.mkdir()
    (tmp_path / "link").symlink_to(path)
    for name in (path, tmp_path / "link"):
        with pytest.raises(OSError, match="not a plain file"):
            private.write_whole(name, b"key")
    assert stat.S_IFMT(path.stat().st_mode) == (stat.S_IFIFO if kind == "fifo" else stat.S_IFDIR)


def test_output_files_are_private_and_links_are_refused(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("x")
    (tmp_path / "old").chmod(0o644)
    (tmp_path / "link").symlink_to("old")
    with private.output(tmp_path / "old") as file:
        file.write(b"new")
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o600
    with pytest.raises(OSError, match="symbolic link"), private.output(tmp_path / "link"):
        pass
    assert (tmp_path / "old").read_bytes() == b"new"
