"""Places in a project's files as a CI service knows them: relative to the repository."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import msgspec

from one_trace.deliver.git import find_repository
from one_trace.guard.text import path_of
from one_trace.model.trace import Location


def in_repository(project: str | None) -> Callable[[Location], Location]:
    """A function that makes a place in the project one in the repository that it is in."""
    below = _below_top(project) if project else None

    def located(at: Location) -> Location:
        return at if below is None else msgspec.structs.replace(at, file=str(below / at.file))

    return located


def _below_top(project: str) -> PurePosixPath | None:
    """The project's folder below that of its repository, else below the workspace of the job."""
    try:
        folder = path_of(project).resolve()
        repository = find_repository(folder)
        top = repository.top if repository is not None else Path(os.environ["GITHUB_WORKSPACE"]).resolve()
        return PurePosixPath(folder.relative_to(top))
    except (OSError, ValueError, RuntimeError, KeyError):  # gone, elsewhere, or a NUL in its name
        return None
