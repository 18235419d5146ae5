"""Finds our run: the one whose state file contains our token, else the only new one that may be ours."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from one_trace.guard import files as guard
from one_trace.record.files import LOGS, STATES, RunFiles, run_of
from one_trace.record.snapshot import Snapshot
from one_trace.record.state import started_at

_MOST_OLD = 64
"""Old state files that are searched, the last written first: a resumed run is among them."""
_HEAD = 4096
"""Bytes of a state file that hold what stands ahead of the inputs."""
_PAUSES_S = (0.01, 0.03, 0.1)
"""A state file is empty for a moment each time it is saved: it is read again after each of these pauses."""
_TOKEN = rb'"ONE_TRACE_TOKEN": "[0-9a-f]{32}"|"ONE_TRACE_VIA": "[0-9a-f]{8,} [0-9a-f]{8} '
_ANOTHER_TOKEN = re.compile(_TOKEN)
"""In the state of a run that another call of one-trace started."""
_ENVIRONMENT = re.compile(_TOKEN + rb'|"PATH": "[^"]{0,4000}/')
"""In a state that holds the environment in clear (the host may mask it as `***`)."""
_ENVIRONMENT_LIMIT = 4200
"""Bytes of its longest match."""
_T = TypeVar("_T")
_ENDED = re.compile(rb'"status": ?"(?:completed|failed)"')


class Wanted(NamedTuple):
    """How to recognise our run. `marks`: its state file contains one of them. `resumed`: the run id that was
    typed for `flow resume`. `key`: returns the flow's key; called only if needed. `reported_id`: the run id,
    if the executor has printed it. `succeeded`: the executor exited with 0, so there is a record, even if a
    wrapper kept the marks from it."""

    marks: tuple[bytes, ...]
    resumed: str | None = None
    key: Callable[[], str | None] = lambda: None
    reported_id: str | None = None
    succeeded: bool = False


class Match(NamedTuple):
    """Our run; `files` is None if it is not certain. `candidates`: how many runs it may be."""

    files: RunFiles | None = None
    candidates: int = 0


def find(before: Snapshot, wanted: Wanted, projects: Iterable[Path]) -> Match:
    """The run started after `before`, in one of the folders that may be the project."""
    folders = list(dict.fromkeys(projects))
    for project in folders:
        files = find_by_id(project, wanted.reported_id) if wanted.reported_id else None
        files = files or find_by_token(project, wanted, before)
        if files is not None:
            return Match(files, 1)
    candidates = [files for project in folders for files in _unclaimed(project, wanted, before)]
    return Match(candidates[0] if len(candidates) == 1 else None, len(candidates))


def find_by_token(
    project: Path, wanted: Wanted, before: Snapshot | None = None, *, only_new: bool = False
) -> RunFiles | None:
    """The run whose state file contains one of the marks: searched among the new ones, those that match the
    resumed id, and (unless `only_new`) those written last. No times are compared with ours: the file system's
    clock may be another.

    The host stores its environment before the first step, so this also finds a run that was killed. A host
    started by path from a step of the run inherits the token: of several runs the first to start is ours.
    """
    states, before = project / STATES, before or Snapshot()
    files = _first_with_mark(states, before.resumable, wanted) if before.resumable else None
    added = before.added(str(states)) if files is None else []
    files = files or _first_of_few(states, added, wanted, before)
    if files is not None or only_new:
        return files
    names = guard.names(states)
    new = [name for name in names if name not in before.known]
    files = _first_of_few(states, list(set(new).difference(added)), wanted, before)
    if files is None and wanted.resumed:
        files = _first_with_mark(states, [name for name in names if wanted.resumed in name], wanted)
    if files is None and (before.known or len(new) > _MOST_OLD):
        newest = [Path(path).name for path in guard.newest(states, _MOST_OLD)]
        files = _first_with_mark(states, newest, wanted)
    return files


def _first_of_few(states: Path, new: Sequence[str], wanted: Wanted, before: Snapshot) -> RunFiles | None:
    """As `_first_with_mark`, but of no folder's whole history, which is new if nothing is known of before."""
    return _first_with_mark(states, new, wanted) if before.known or len(new) <= _MOST_OLD else None


def find_by_id(project: Path, run_id: str) -> RunFiles | None:
    """The run of this id in the folder `project`."""
    for name in (*guard.names(project / STATES), *guard.names(project / LOGS)):
        files = run_of(project, name) if f"-{run_id}." in name else None
        if files is not None and files.run_id == run_id:
            return files
    return None


def started(files: RunFiles, *, unless_ended: bool) -> str | None:
    """When the run started; with `unless_ended`, None if its state says that it has ended."""
    for head in _retried(lambda: _head(files.state)) if files.state else ():
        when = started_at(head)
        if when is not None:
            return None if unless_ended and _ENDED.search(head) else when
    return None


def _retried(read: Callable[[], _T]) -> Iterator[_T]:
    yield read()
    for pause in _PAUSES_S:
        time.sleep(pause)
        yield read()


def _first_with_mark(states: Path, names: Sequence[str], wanted: Wanted) -> RunFiles | None:
    for runs, empty in _retried(lambda: _with_mark(states, names, wanted)):
        if runs:
            key = wanted.key() if len(runs) > 1 else None
            return min(runs, key=lambda run: (key not in (None, run[1].flow_key), run[0]))[1]
        if not empty:
            break
    return None


def _with_mark(states: Path, names: Sequence[str], wanted: Wanted) -> tuple[list[tuple[str, RunFiles]], bool]:
    """When each run with a mark started, and the run; and whether a file is empty, so just being written."""
    runs: list[tuple[str, RunFiles]] = []
    empty = False
    for name in names:
        path = states / name
        try:
            files = run_of(states.parents[2], name) if guard.contains(path, wanted.marks) else None
            if files is not None:
                runs.append((started_at(_head(path)) or "~", files))
            empty = empty or path.stat().st_size == 0
        except OSError:
            continue
    return runs, empty


def _unclaimed(project: Path, wanted: Wanted, before: Snapshot) -> list[RunFiles]:
    """New runs of our flow whose state does not say who started them. One that is empty may be another's,
    which is just being saved: it is read again."""
    states = project / STATES
    new = [name for name in guard.names(states) if before.is_new(str(states / name))]
    runs = [files for name in new if (files := run_of(project, name)) is not None]
    key = wanted.key() if runs else None
    claimed = _ANOTHER_TOKEN if wanted.succeeded else _ENVIRONMENT
    ours = [files for files in runs if key in (None, files.flow_key)]
    unclaimed = ours
    for unclaimed in _retried(lambda: [files for files in ours if not _contains(files, claimed)]):
        if not any(map(_is_empty, unclaimed)):
            break
    return unclaimed


def _contains(files: RunFiles, pattern: re.Pattern[bytes]) -> bool:
    if files.state is None:
        return False
    try:
        return any(pattern.search(piece) for piece in guard.pieces(files.state, _ENVIRONMENT_LIMIT))
    except OSError:
        return True


def _is_empty(files: RunFiles) -> bool:
    try:
        return files.state is not None and files.state.stat().st_size == 0
    except OSError:
        return False


def _head(path: Path | None) -> bytes:
    try:
        return guard.read_start(path, _HEAD) if path else b""
    except OSError:
        return b""
