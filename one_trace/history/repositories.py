"""The repository of a folder, as a team's history knows the project of a run."""

from __future__ import annotations

from one_trace.deliver.project import project_of


def repository_of(folder: str) -> str | None:
    """The URL of a folder's repository, as runs of it are sent: without credentials. None if it has none."""
    return project_of(folder, 0).remote
