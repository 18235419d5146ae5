"""Which runs have left a record, and where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from one_trace.guard.files import is_plain
from one_trace.guard.text import valid
from one_trace.record.flows import FLOWS

STATES = FLOWS / ".runs"
LOGS = FLOWS / ".logs"

_STATE = re.compile(r"^(?P<key>.+)-(?P<run>[0-9a-f]{12})\.state\.json$", re.DOTALL)
_SIZES = re.compile(r"^(?P<key>.+)-(?P<run>[0-9a-f]{12})\.jsonl$", re.DOTALL)
_LOG = re.compile(r"^(?P<key>.+)-(?P<run>[0-9a-f]{12})\.log$", re.DOTALL)


class RunFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one run. `project` is the folder it ran in; `flow`, where known, the key or path it was
    called by. `sizes`: only the built-in runner leaves it, and only where it is traced."""

    project: Path
    flow_key: str
    run_id: str
    log: Path | None = None
    state: Path | None = None
    sizes: Path | None = None
    flow: str | None = None


def discover(paths: Sequence[Path]) -> tuple[list[RunFiles], list[str]]:
    """The runs under `paths` (projects, ``.one/flows`` folders, log or state files), and what could not be
    looked at."""
    found: dict[tuple[Path, str, str], RunFiles] = {}
    problems: list[str] = []
    for path in paths:
        try:
            flows, only = _flows_folder(path)
        except OSError as error:
            problems.append(f"{path}: {error.strerror or error}")
            continue
        if flows is None:
            problems.append(f"{path}: no runs of flows there")
            continue
        for run in _runs_in(flows, problems):
            if only is None or only in (run.log, run.state):
                found[(run.project, run.flow_key, run.run_id)] = run
    return list(found.values()), problems


def run_of(project: Path, name: str) -> RunFiles | None:
    """The run in the folder `project` that a state or log file of this name belongs to."""
    form = _STATE.match(name) or _LOG.match(name)
    if form is None:
        return None
    key, run_id = form["key"], form["run"]
    state, log = project / STATES / f"{key}-{run_id}.state.json", project / LOGS / f"{key}-{run_id}.log"
    sizes = project / FLOWS / ".sizes" / f"{key}-{run_id}.jsonl"
    return RunFiles(
        project=project,
        flow_key=key,
        run_id=run_id,
        log=log if is_plain(log) else None,
        state=state if is_plain(state) else None,
        sizes=sizes if is_plain(sizes) else None,
    )


def _flows_folder(path: Path) -> tuple[Path | None, Path | None]:
    """The ``.one/flows`` folder that `path` means, and the one file of interest where `path` is a file."""
    path = path.absolute()
    if path.is_file():
        return (path.parent.parent, path) if path.parent.name in (".logs", ".runs") else (None, None)
    if not path.exists():
        raise FileNotFoundError(2, "no such file or folder", str(path))
    if path.name in (".logs", ".runs"):
        return path.parent, None
    if (path / ".runs").is_dir() or (path / ".logs").is_dir():
        return path, None
    inner = path / ".one" / "flows"
    if inner.is_dir():
        return inner, None
    return (path, None) if path.name == "flows" and path.parent.name == ".one" else (None, None)


def _runs_in(flows: Path, problems: list[str]) -> Iterable[RunFiles]:
    logs = _named(flows / ".logs", _LOG, problems)
    states = _named(flows / ".runs", _STATE, problems)
    sizes = _named(flows / ".sizes", _SIZES, [])  # the rest of the record does without
    project = flows.parent.parent if flows.name == "flows" and flows.parent.name == ".one" else flows
    for key, run_id in sorted(logs.keys() | states.keys()):
        yield RunFiles(
            project=project,
            flow_key=key,
            run_id=run_id,
            log=logs.get((key, run_id)),
            state=states.get((key, run_id)),
            sizes=sizes.get((key, run_id)),
        )


def _named(folder: Path, form: re.Pattern[str], problems: list[str]) -> dict[tuple[str, str], Path]:
    found: dict[tuple[str, str], Path] = {}
    try:
        for path in folder.iterdir() if folder.is_dir() else ():
            name = form.match(path.name)
            if name and path.is_file():
                found[(valid(name["key"]), name["run"])] = path
    except OSError as error:
        problems.append(f"{folder}: {error.strerror or error}")
    return found
