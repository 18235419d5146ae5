"""Runs that are under way: a note for each, so that the run of a `one` that was killed is traced by the next.

A note lies in the store's folder from the start of a traced run until its trace is kept. There are as many of
them as there are runs at this moment, whatever the history.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from one_trace.guard.files import names, read_plain
from one_trace.guard.private import make_folder
from one_trace.host.via import call_of, identity, is_alive, run_marks

if TYPE_CHECKING:
    from one_trace.record import RunFiles

_FOLDER = "pending"
_LIMIT = 64 * 1024
_FOREIGN_S = 86_400.0
"""Where a process of another machine or container is not to be seen, its note counts as left after a day."""


class Note:
    """The note of our own run. Where it cannot be written, or there is no folder for it, there is none."""

    def __init__(self, data_dir: Path | None, about: Mapping[str, object]) -> None:
        self._path: Path | None = None
        if data_dir is None:
            return
        self._path = data_dir / _FOLDER / f"{identity()}-{_place()}-{os.urandom(4).hex()}"
        with suppress(OSError):
            make_folder(data_dir)
            make_folder(self._path.parent)
        self.write(about)

    def write(self, about: Mapping[str, object]) -> None:
        """Put it down, or more of it: nobody reads it while we live."""
        if self._path is None:
            return
        with suppress(OSError):
            handle = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                os.write(handle, f"{dict(about)!a}\n".encode())
            finally:
                os.close(handle)

    def done(self) -> None:
        """The run is kept, or there was none."""
        if self._path is not None:
            _remove(self._path)


def left(data_dir: Path) -> Iterator[tuple[Path, dict[str, Any] | None]]:
    """The notes of processes that have ended without a word, and of hosts that have, too. None: the note
    cannot be read."""
    for name in names(data_dir / _FOLDER):
        path = data_dir / _FOLDER / name
        about = _read(path) if _has_ended(path) else {}
        if about is None:
            yield path, None
        elif about and not is_alive(str(about.get("host"))):
            yield path, about


def alive(data_dir: Path) -> Iterator[tuple[Path, tuple[str, ...], dict[str, Any]]]:
    """The notes of runs that are under way on this machine, and the processes of each that are alive."""
    for name in names(data_dir / _FOLDER):
        path = data_dir / _FOLDER / name
        process, _, place = name.rpartition("-")[0].rpartition("-")
        about = _read(path) if place == _place() else None
        processes = (process, str(about.get("host"))) if about else ()
        living = tuple(filter(is_alive, processes))
        if about and living:
            yield path, living, about


def files_of(about: Mapping[str, Any]) -> RunFiles | None:
    """The files of the run that a note is about; None while it has left none. Raises KeyError, TypeError
    where the note is of another version."""
    from msgspec.structs import replace

    from one_trace import record

    project, token = Path(about["project"]), about.get("token")
    if token:
        wanted = record.Wanted(run_marks(token), resumed=about.get("resumed"))
        files = record.find_by_token(project, wanted)
    else:
        files = record.find_by_id(project, about["runId"])
    return replace(files, flow=about.get("flow")) if files is not None else None


def forget(path: Path) -> None:
    """What a note was about has been looked after."""
    _remove(path)


def _has_ended(path: Path) -> bool:
    process, _, place = path.name.rpartition("-")[0].rpartition("-")
    if place == _place():
        return not is_alive(process)
    try:
        return time.time() - path.stat().st_mtime > _FOREIGN_S
    except OSError:
        return False


def _read(path: Path) -> dict[str, Any] | None:
    """A note is a Python literal: to write one takes no import while the host is waiting to be started."""
    import ast

    try:
        text = read_plain(path, _LIMIT).partition(b"\n")[0].decode("ascii", "replace")
        about = ast.literal_eval(text)
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    return about if isinstance(about, dict) and about else None


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
        path.parent.rmdir()  # only if it was the last


def _place() -> str:
    """Where a process id means what it means here: this machine, this container."""
    space = ""
    with suppress(OSError):
        space = str(Path("/proc/self/ns/pid").readlink())
    return call_of([os.uname().nodename, space])
