"""What may be told of the project a run ran in: its name, and where its code is kept."""

from __future__ import annotations

from pathlib import Path

from one_trace.deliver import git
from one_trace.guard.text import clean, path_of
from one_trace.outbound.payload import Project
from one_trace.outbound.remotes import clean_remote

_LONGEST_NAME = 200


def project_of(cwd: str | None, started_ms: int) -> Project:
    """The project of a run that started in `cwd` at `started_ms` (ms since 1970).

    Branch and commit are told only if they are surely those of that moment: a run may be sent days later.
    """
    if not cwd:
        return Project()
    try:
        return _project(path_of(cwd).resolve(), started_ms)
    except (OSError, ValueError, RuntimeError):  # closed to us since; NUL in its name; a home nobody knows of
        return Project()


def _project(here: Path, started_ms: int) -> Project:
    found = git.repository(here)
    if found is None:
        return Project(name=_name(here))
    url = git.remote(found)
    branch, ref = git.head(found, started_ms)
    remote = clean_remote(url) if url else None
    return Project(name=_name(found.top), remote=remote, branch=branch, ref=ref)


def _name(folder: Path) -> str | None:
    """A folder's name; a home folder's is a person's, and stays."""
    return None if folder == Path.home().resolve() else clean(folder.name, _LONGEST_NAME) or None
