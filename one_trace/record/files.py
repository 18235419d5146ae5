"""Which runs have left a record, and where its files are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

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


def discover(paths: Sequence[Path]) -> tuple[list[RunFiles], list[str]]:
    """The runs under `paths` (projects, ``.one/flows`` folders, log or state files), and what could not be
    searched."""
    found: dict[tuple[Path, str, str], RunFiles] = {}
    problems: list[str] = []
    for path in map(Path.absolute, paths):
        if not path.exists():
            problems.append(f"{path}: no such file or folder")
            continue
        only = path if path.is_file() else None
        flows = _flows_folder(path)
        if flows is None:
            problems.append(f"{path}: contains no flow runs")
            continue
        for run in _runs_in(flows, problems):
            if only is None or only in (run.log, run.state):
                found[(run.project, run.flow_key, run.run_id)] = run
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


def _runs_in(flows: Path, problems: list[str]) -> Iterator[RunFiles]:
    project = flows.parent.parent if flows.parts[-2:] == Path(FLOWS).parts else flows
    names = (name for folder in (_LOGS, _STATES) for name in _names(flows / folder, problems))
    runs = {match.group("key", "run") for name in names if (match := _NAME.fullmatch(name))}
    for key, run_id in sorted(runs):
        run = _run(flows, project, key, run_id)
        if run.log or run.state:
            yield run


def _names(folder: Path, problems: list[str]) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()] if folder.is_dir() else []
    except OSError as error:
        problems.append(f"{folder}: {error.strerror or error}")
        return []
