"""Which runs have left a record, and where its files are."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from one_trace.guard.files import is_plain
from one_trace.guard.text import valid
from one_trace.record.flow_files import FLOWS

_STATES, _LOGS, _SIZES = ".runs", ".logs", ".sizes"
STATES = Path(FLOWS, _STATES)
LOGS = Path(FLOWS, _LOGS)
_NAME = re.compile(r"(?P<key>.+)-(?P<run>[0-9a-f]{12})\.(?:log|state\.json)", re.DOTALL)


class RunFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one run. `project`: the folder it ran in. `flow`: the key or path it was called by, if
    known. `sizes`: left only by the built-in runner, and only for traced runs."""

    project: Path
    flow_key: str
    run_id: str
    log: Path | None = None
    state: Path | None = None
    sizes: Path | None = None
    flow: str | None = None


class ListedRun(NamedTuple):
    """A run by the names of its files, none of which has been opened. `stamp` changes when one of them is
    written to; compare it only with another stamp of the same run."""

    flows: Path
    project: Path
    key: str
    run_id: str
    stamp: str
    written_ns: int
    """When the last one was written, by the clock of the file system."""

    @property
    def name(self) -> str:
        return f"{self.key}-{self.run_id}"

    @property
    def files(self) -> RunFiles:
        return _run(self.flows, self.project, self.key, self.run_id)


def discover(paths: Sequence[Path]) -> tuple[list[RunFiles], list[str]]:
    """The runs under `paths` (projects, ``.one/flows`` folders, log or state files), and what could not be
    searched."""
    runs, problems = listed(paths)
    return [files for run in runs if (files := run.files).log or files.state], problems


def listed(paths: Sequence[Path]) -> tuple[list[ListedRun], list[str]]:
    """Like `discover`, by names, sizes and times alone."""
    found: dict[tuple[Path, str], ListedRun] = {}
    problems: list[str] = []
    for path in map(Path.absolute, paths):
        if not path.exists():
            problems.append(f"{path}: no such file or folder")
            continue
        only = path.name if path.is_file() else None
        flows = _flows_folder(path)
        if flows is None:
            problems.append(f"{path}: contains no flow runs")
            continue
        for run in _runs_in(flows, problems):
            if only is None or only in (f"{run.name}.log", f"{run.name}.state.json"):
                found[run.project, run.name] = run
    return list(found.values()), problems


def run_of(project: Path, name: str) -> RunFiles | None:
    """The run in the folder `project` to which the state or log file of this name belongs."""
    match = _NAME.fullmatch(name)
    return _run(project / FLOWS, project, match["key"], match["run"]) if match else None


def _run(flows: Path, project: Path, key: str, run_id: str) -> RunFiles:
    run = f"{key}-{run_id}"
    log, state = flows / _LOGS / f"{run}.log", flows / _STATES / f"{run}.state.json"
    sizes = flows / _SIZES / f"{run}.jsonl"
    return RunFiles(
        project=project,
        flow_key=valid(key),
        run_id=run_id,
        log=log if is_plain(log) else None,
        state=state if is_plain(state) else None,
        sizes=sizes if is_plain(sizes) else None,
    )


def _flows_folder(path: Path) -> Path | None:
    """The ``.one/flows`` folder that `path` is, contains, or lies in."""
    if path.is_file():
        return path.parent.parent if path.parent.name in (_LOGS, _STATES) else None
    if path.name in (_LOGS, _STATES):
        return path.parent
    if (path / _STATES).is_dir() or (path / _LOGS).is_dir():
        return path
    if (path / FLOWS).is_dir():
        return path / FLOWS
    return path if path.parts[-2:] == Path(FLOWS).parts else None


def _runs_in(flows: Path, problems: list[str]) -> Iterator[ListedRun]:
    project = flows.parent.parent if flows.parts[-2:] == Path(FLOWS).parts else flows
    logs, states = _plain_files(flows / _LOGS, problems), _plain_files(flows / _STATES, problems)
    sizes = _plain_files(flows / _SIZES, [])
    runs = {match.group("key", "run") for name in (*logs, *states) if (match := _NAME.fullmatch(name))}
    for key, run_id in sorted(runs):
        run = f"{key}-{run_id}"
        log, state = logs.get(f"{run}.log"), states.get(f"{run}.state.json")
        if log or state:
            files = log, state, sizes.get(f"{run}.jsonl")
            written_ns = max(file[0] for file in files if file)
            yield ListedRun(flows, project, key, run_id, f"{files}", written_ns)


def _plain_files(folder: Path, problems: list[str]) -> dict[str, tuple[int, int, int]]:
    """When each plain file of a folder was written (ns), its size and its number."""
    found: dict[str, tuple[int, int, int]] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    status = entry.stat()
                except OSError:  # a link that leads nowhere
                    continue
                if stat.S_ISREG(status.st_mode):
                    found[entry.name] = status.st_mtime_ns, status.st_size, status.st_ino
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        problems.append(f"{folder}: {error.strerror or error}")
    return found
