"""Runs that are under way now: traced ones, by their notes, and others of a folder, by its processes.

A run is under way while one of its processes is alive. What a state file says is not enough: a run that was
killed says `running` for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from one_trace.capture import pending
from one_trace.guard.files import newest
from one_trace.host.processes import flow_processes
from one_trace.host.via import is_alive
from one_trace.record import search
from one_trace.record.files import LOGS, STATES, RunFiles, run_of

_RECENT = 64
"""State files of a folder that are looked at, the last written first."""
_SLACK_S = 5.0
"""The clock of a file system may lag behind ours by as much."""


class ActiveRun(Struct, kw_only=True):
    """One run that is under way. `processes` are identities (see `host.via`); the run can go on while one of
    them is alive."""

    files: RunFiles
    started_at: str | None
    processes: tuple[str, ...]
    nested: bool = False
    """Another run started it."""
    resumed: bool = False

    @property
    def log(self) -> Path:
        """Where its log is, or will be."""
        return self.files.log or self.files.project / LOGS / f"{self.files.flow_key}-{self.files.run_id}.log"

    def is_alive(self) -> bool:
        return any(map(is_alive, self.processes))


def active_runs(data_dir: Path, folder: Path | None = None) -> list[ActiveRun]:
    """Traced runs of this machine, and all others of `folder`; the last started first."""
    found = {run.files.run_id: run for run in _traced(data_dir)}
    for run in _untraced(folder) if folder is not None else ():
        found.setdefault(run.files.run_id, run)
    return sorted(found.values(), key=lambda run: run.started_at or "", reverse=True)


def pick(runs: list[ActiveRun], project: Path | None) -> ActiveRun | None:
    """The run that `running` means: of this project where it has any, of those that a user started where
    there are such, the last one started."""
    here = [run for run in runs if project is not None and run.files.project == project] or runs
    started_by_user = [run for run in here if not run.nested] or here
    return started_by_user[0] if started_by_user else None


def files_now(run: ActiveRun) -> RunFiles:
    """The run's files as they are by now: a log appears after its state."""
    files = run.files
    known = run_of(files.project, f"{files.flow_key}-{files.run_id}.state.json")
    return replace(known, flow=files.flow) if known is not None else files


def _traced(data_dir: Path) -> Iterator[ActiveRun]:
    for path, processes, about in pending.alive(data_dir):
        with suppress(KeyError, TypeError, ValueError, OSError):  # a note of another version
            files = pending.files_of(about)
            if files is not None and path.exists():  # else it has ended meanwhile
                yield ActiveRun(
                    files=files,
                    started_at=search.started(files, unless_ended=False),
                    processes=processes,
                    nested=about.get("parent") is not None,
                    resumed=about.get("resumed") is not None,
                )


def _untraced(folder: Path) -> Iterator[ActiveRun]:
    """Runs whose state is not over and was written while a process that runs a flow here was alive. A state
    that is older than every such process is of a run that was killed."""
    processes = flow_processes(str(folder))
    if not processes:
        return
    for path in map(Path, newest(folder / STATES, _RECENT)):
        files = run_of(folder, path.name)
        started_at = search.started(files, unless_ended=True) if files is not None else None
        if files is None or started_at is None:
            continue
        written_s = _written_s(path)
        able = tuple(each.identity for each in processes if each.started_s <= written_s + _SLACK_S)
        if able:
            yield ActiveRun(files=files, started_at=started_at, processes=able)


def _written_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
