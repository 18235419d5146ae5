"""Which run is ours: the one whose environment holds our word, else the only one that is new."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from one_trace.guard import files as guard
from one_trace.record.files import LOGS, STATES, RunFiles, run_of
from one_trace.record.snapshot import Snapshot
from one_trace.record.state import started_at

_AMONG = 64
"""Old state files that are looked at, the last written first: one that goes on is there."""
_HEAD = 4096
"""Bytes of a state in which what stands ahead of the inputs is found."""
_PAUSES_S = (0.0, 0.01, 0.03, 0.1)
"""A state is empty for a moment each time it is saved: looked at after each of these pauses."""
_WORD = rb'"ONE_TRACE_TOKEN": "[0-9a-f]{32}"|"ONE_TRACE_VIA": "[0-9a-f]{8,} [0-9a-f]{8} '
_ANOTHERS = re.compile(_WORD)
"""In the state of a run that another call of ours has started."""
_TOLD = re.compile(_WORD + rb'|"PATH": "[^"]{0,4000}/')
"""In a state whose environment has been written down, and not as `***`."""
_TOLD_MOST = 4200
"""Bytes that a match of it may take."""
_OVER = re.compile(rb'"status": ?"(?:completed|failed)"')


@dataclass(frozen=True)
class Wanted:
    """How our run is told from others. `marks`: any of them in its state file says that it is ours.
    `resumed`: its id as it was typed, where it is an old one that goes on. `key`: tells its flow's key, asked
    only where it matters. `said`: its id, where the executor has been heard to say it. `ran`: it has ended
    well, so there is a record, even if a wrapper has kept our word from it."""

    marks: tuple[bytes, ...]
    resumed: str | None = None
    key: Callable[[], str | None] = lambda: None
    said: str | None = None
    ran: bool = False


@dataclass(frozen=True)
class Found:
    """The run; without one, how many may be it."""

    files: RunFiles | None = None
    candidates: int = 0


def find(before: Snapshot, wanted: Wanted, projects: Iterable[Path]) -> Found:
    """The run that was started after `before`, in one of the folders that the project may be by now."""
    folders = list(dict.fromkeys(projects))
    for project in folders:
        files = find_by_id(project, wanted.said) if wanted.said else None
        files = files or find_by_token(project, wanted, before)
        if files is not None:
            return Found(files, 1)
    maybe = [files for project in folders for files in _unclaimed(project, wanted, before)]
    return Found(maybe[0], 1) if len(maybe) == 1 else Found(None, len(maybe))


def find_by_token(project: Path, wanted: Wanted, before: Snapshot | None = None) -> RunFiles | None:
    """The run whose environment holds one of the marks: among those that are new, then those that the
    resumed one's id fits, then those written last. No clock is asked: the file system's may be another than
    ours.

    The host stores its environment before the first step, so this holds for a run that was killed as well. A
    host that a step of the run starts by its path inherits the token: of several the first to start is meant.
    """
    states, known = project / STATES, before.known if before else frozenset[str]()
    names = guard.names(states)
    new = [name for name in names if name not in known]
    few = bool(known) or len(new) <= _AMONG
    found = _first_with(states, new, wanted) if few else None
    if found is None and wanted.resumed:
        found = _first_with(states, [name for name in names if wanted.resumed in name], wanted)
    if found is None and not (few and len(new) == len(names)):
        found = _first_with(states, [Path(path).name for path in guard.newest(states, _AMONG)], wanted)
    return found


def find_by_id(project: Path, run_id: str) -> RunFiles | None:
    """The run of this id in the folder `project`."""
    for name in (*guard.names(project / STATES), *guard.names(project / LOGS)):
        files = run_of(project, name) if f"-{run_id}." in name else None
        if files is not None and files.run_id == run_id:
            return files
    return None


def begun(files: RunFiles, *, unless_over: bool) -> str | None:
    """When the run was started; with `unless_over`, only where its state does not say that it has ended."""
    for pause in _PAUSES_S if files.state else ():
        if pause:
            time.sleep(pause)
        head = _head(files.state) if files.state else b""
        when = started_at(head)
        if when is not None:
            return None if unless_over and _OVER.search(head) else when
    return None


def _first_with(states: Path, names: Sequence[str], wanted: Wanted) -> RunFiles | None:
    for pause in _PAUSES_S:
        if pause:
            time.sleep(pause)
        found, torn = _with(states, names, wanted)
        if len(found) > 1:
            key = wanted.key()
            return min(found, key=lambda each: (key not in (None, each[1].flow_key), each[0]))[1]
        if found:
            return found[0][1]
        if not torn:
            break
    return None


def _with(states: Path, names: Sequence[str], wanted: Wanted) -> tuple[list[tuple[str, RunFiles]], bool]:
    """Those that hold the word, and when they began; whether one is being written just now."""
    found: list[tuple[str, RunFiles]] = []
    torn = False
    for name in names:
        path = states / name
        try:
            files = run_of(states.parents[2], name) if guard.holds(path, wanted.marks) else None
            if files is not None:
                found.append((started_at(_head(path)) or "~", files))
            torn = torn or path.stat().st_size == 0
        except OSError:
            continue
    return found, torn


def _unclaimed(project: Path, wanted: Wanted, before: Snapshot) -> list[RunFiles]:
    """Runs that are new, of our flow, and whose state does not say whose they are."""
    states = project / STATES
    new = [name for name in guard.names(states) if before.is_new(str(states / name))]
    runs = [files for name in new if (files := run_of(project, name)) is not None]
    key, told = wanted.key() if runs else None, _ANOTHERS if wanted.ran else _TOLD
    return [files for files in runs if key in (None, files.flow_key) and not _tells_whose(files, told)]


def _tells_whose(files: RunFiles, told: re.Pattern[bytes]) -> bool:
    """Whether the host has written the run's environment down, in which our word would be."""
    if files.state is None:
        return False
    try:
        return any(told.search(piece) for piece in guard.pieces(files.state, _TOLD_MOST))
    except OSError:
        return True


def _head(path: Path) -> bytes:
    try:
        return guard.read_start(path, _HEAD)
    except OSError:
        return b""
