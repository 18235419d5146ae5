"""The one reader of files that others wrote, and the one writer of files that are the user's alone."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from one_trace.guard import private
from one_trace.guard.files import is_plain, read_plain, read_start


def test_a_plain_file_and_a_link_to_one_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100_000)
    (tmp_path / "b").symlink_to("a")
    assert read_plain(tmp_path / "b", 100_000) == b"x" * 100_000
    assert read_start(tmp_path / "b", 3) == b"xxx"
    assert is_plain(tmp_path / "b")


@pytest.mark.parametrize("kind", ["fifo", "folder", "device", "socket", "missing"])
def test_what_is_no_plain_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
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


def test_a_file_that_is_shortened_and_rewritten_while_it_is_read_harms_nobody(tmp_path: Path) -> None:
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


def test_a_file_of_ours_is_private_from_its_first_byte_and_drafts_of_the_dead_go(tmp_path: Path) -> None:
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
def test_what_is_no_plain_file_is_not_replaced(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "key.toml"
    os.mkfifo(path) if kind == "fifo" else path.mkdir()
    (tmp_path / "link").symlink_to(path)
    for name in (path, tmp_path / "link"):
        with pytest.raises(OSError, match="not a plain file"):
            private.write_whole(name, b"key")
    assert stat.S_IFMT(path.stat().st_mode) == (stat.S_IFIFO if kind == "fifo" else stat.S_IFDIR)


def test_what_the_user_names_is_written_private_and_never_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("x")
    (tmp_path / "old").chmod(0o644)
    (tmp_path / "link").symlink_to("old")
    private.write_output(tmp_path / "old", b"new")
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o600
    with pytest.raises(OSError, match="symbolic link"):
        private.write_output(tmp_path / "link", b"evil")
    assert (tmp_path / "old").read_bytes() == b"new"
