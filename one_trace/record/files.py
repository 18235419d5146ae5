"""Which runs have left a record, and where."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from one_trace.guard.text import valid
from one_trace.record.state import started_at

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


def find_by_token(project: Path, token: str, started_after: float) -> RunFiles | None:
    """The run whose environment held `token`, among the state files written since `started_after` (epoch
    seconds).

    The host stores its environment before the first step, so this holds for a run that was killed as well. A
    host that a step of the run starts by its path inherits the token: of several the first to start is meant.
    """
    needle = f'"ONE_TRACE_TOKEN": "{token}"'.encode()
    found: list[tuple[str, RunFiles]] = []
    for run in _runs_in(project / ".one" / "flows", []):
        try:
            if run.state is None or run.state.stat().st_mtime < started_after - 2:
                continue
            if _holds(run.state, needle):
                found.append((_begun(run.state), run))
        except OSError:
            continue
    return min(found, key=lambda each: each[0])[1] if found else None


def _begun(path: Path) -> str:
    """`startedAt` of a state: it stands ahead of all that may be long. Without one, it sorts last."""
    with path.open("rb") as file:
        return started_at(file.read(4096)) or "~"


def _holds(path: Path, needle: bytes) -> bool:
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            return view.find(needle) >= 0


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
