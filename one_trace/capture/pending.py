"""Notes about runs that are under way, so that the next run traces one whose `one` was killed.

A note lies in the store's folder from the start of a traced run until its trace is saved.
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
    from one_trace.record.files import RunFiles

_FOLDER = "pending"
_LIMIT = 64 * 1024
_FOREIGN_S = 86_400.0
"""Processes of another machine or container cannot be seen: their notes count as orphaned after a day."""


class Note:
    """The note about our own run. Without a folder, or where it cannot be written, there is none."""

    def __init__(self, data_dir: Path | None, about: Mapping[str, object]) -> None:
        self._path: Path | None = None
        if data_dir is None:
            return
        self._path = data_dir / _FOLDER / f"{identity()}-{_machine()}-{os.urandom(4).hex()}"
        with suppress(OSError):
            make_folder(data_dir)
            make_folder(self._path.parent)
        self.write(about)

    def write(self, about: Mapping[str, object]) -> None:
        """Replace its content. Not atomic: `alive` may read half of it."""
        if self._path is None:
            return
        with suppress(OSError):
            handle = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                os.write(handle, f"{dict(about)!a}\n".encode())
            finally:
                os.close(handle)

    def remove(self) -> None:
        if self._path is not None:
            remove(self._path)


def orphaned(data_dir: Path) -> Iterator[tuple[Path, dict[str, Any] | None]]:
    """The notes whose process and host have both ended; None for a note that cannot be read."""
    for name in names(data_dir / _FOLDER):
        path = data_dir / _FOLDER / name
        if _has_ended(path):
            about = _read(path)
            if about is None or not is_alive(str(about.get("host"))):
                yield path, about


def alive(data_dir: Path) -> Iterator[tuple[Path, tuple[str, ...], dict[str, Any]]]:
    """The notes of runs that are under way on this machine, and the processes of each that are alive."""
    for name in names(data_dir / _FOLDER):
        path = data_dir / _FOLDER / name
        process, machine = _process_of(name)
        about = _read(path) if machine == _machine() else None
        processes = (process, str(about.get("host"))) if about else ()
        living = tuple(filter(is_alive, processes))
        if about and living:
            yield path, living, about


def files_of(about: Mapping[str, Any]) -> RunFiles | None:
    """The files of the run that a note is about; None while it has left none. Raises KeyError, TypeError
    where the note is of another version."""
    from msgspec.structs import replace

    from one_trace.record import search

    project, token = Path(about["project"]), about.get("token")
    if token:
        wanted = search.Wanted(run_marks(token), resumed=about.get("resumed"))
        files = search.find_by_token(project, wanted)
    else:
        files = search.find_by_id(project, about["runId"])
    return replace(files, flow=about.get("flow")) if files is not None else None


def remove(path: Path) -> None:
    """Remove a note, and the folder with the last one."""
    with suppress(OSError):
        path.unlink()
        path.parent.rmdir()


def _process_of(name: str) -> tuple[str, str]:
    """The identity of the process that wrote the note of this name, and the machine where that is valid."""
    process, _, machine = name.rpartition("-")[0].rpartition("-")
    return process, machine


def _has_ended(path: Path) -> bool:
    process, machine = _process_of(path.name)
    if machine == _machine():
        return not is_alive(process)
    try:
        return time.time() - path.stat().st_mtime > _FOREIGN_S
    except OSError:
        return False


def _read(path: Path) -> dict[str, Any] | None:
    """A note is a Python literal, since writing one needs no import before the host is started."""
    import ast

    try:
        text = read_plain(path, _LIMIT).partition(b"\n")[0].decode("ascii", "replace")
        about = ast.literal_eval(text)
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    return about if isinstance(about, dict) and about else None


def _machine() -> str:
    """Identifies the machine or container in which a process id is valid."""
    namespace = ""
    with suppress(OSError):
        namespace = str(Path("/proc/self/ns/pid").readlink())
    return call_of([os.uname().nodename, namespace])
