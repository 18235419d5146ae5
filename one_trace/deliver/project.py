"""The project that a run ran in, as a sink may know it: its name, and where its code is kept."""

from __future__ import annotations

from pathlib import Path

from one_trace.deliver import git
from one_trace.guard.text import clean, path_of
from one_trace.outbound.payload import Project
from one_trace.outbound.remotes import clean_remote

_LONGEST_NAME = 200


def project_of(cwd: str | None, started_ms: int) -> Project:
    """The project of a run that started in `cwd` at `started_ms` (ms since 1970).

    Branch and commit are given only if they are surely those of that moment: a run may be sent days later.
    """
    if not cwd:
        return Project()
    try:
        return _project(path_of(cwd).resolve(), started_ms)
    except (OSError, ValueError, RuntimeError):  # no longer readable; NUL in its name; an unknown home
        return Project()


def _project(folder: Path, started_ms: int) -> Project:
    repository = git.find_repository(folder)
    if repository is None:
        return Project(name=_name(folder))
    url = git.remote_url(repository)
    branch, commit = git.head_at(repository, started_ms)
    remote = clean_remote(url) if url else None
    return Project(name=_name(repository.top), remote=remote, branch=branch, ref=commit)


def _name(folder: Path) -> str | None:
    """The folder's name, unless it is a home folder: that is a person's name."""
    return None if folder == Path.home().resolve() else clean(folder.name, _LONGEST_NAME) or None
