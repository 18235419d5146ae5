"""Settings, folders, and the store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from one_trace.answers.reports import Check
from one_trace.errors import SettingsError
from one_trace.settings import credentials, paths, sources
from one_trace.view.words import counted

FIX = "one trace doctor --fix"
"""The command that closes files and folders to others."""
WHOLE = "one trace doctor --all-runs"
"""The command that checks all of a large store."""


def settings() -> Iterator[Check]:
    values = sources.load()
    problems = [*values.problems, *_homeless(values)]
    for problem in problems:
        yield Check("settings", "bad", problem.message, problem.fix or problem.hint)
    if problems:
        return
    given = [f"{name} ({source})" for name, source in values.sources.items() if source != "default"]
    known = (paths.user_file(os.environ), paths.project_file())
    files = [path for path in known if path and Path(path).exists()]
    where = f" from {', '.join(files)}" if files and given else ""
    yield Check("settings", "ok", f"{', '.join(given) or 'all defaults'}{where}")


def _homeless(values: sources.Settings) -> Iterator[SettingsError]:
    """Problems of a user without a home folder: there is no place for the key or the store."""
    places: tuple[Callable[[], Path], ...] = (credentials.credentials_path, lambda: values.data_path)
    for place in places:
        try:
            place()
        except SettingsError as problem:
            yield problem


def store_path() -> Path | None:
    """None for a user without a home folder, which is a problem of the settings."""
    try:
        return sources.load().store_path
    except SettingsError:
        return None


def folders(fix: bool) -> Iterator[Check]:
    """Whoever can write to the folder of the key or of the store can replace them."""
    from one_trace.guard.private import writable_by_others

    config, store = paths.config_dir(os.environ), store_path()
    ours = {folder for folder in (config and Path(config), store and store.parent) if folder}
    writable = {each for folder in ours if folder.is_dir() for each in writable_by_others(folder)}
    for folder in sorted(writable):
        if fix and folder in ours:
            folder.chmod(0o700)
            yield Check("folders", "ok", f"{folder} is now closed to others")
        else:
            wrong = f"others can write to {folder}, and so replace your key, settings or runs"
            yield Check("folders", "bad", wrong, FIX if folder in ours else f"chmod go-w {folder}")


def store(whole: bool) -> Iterator[Check]:
    """Opens the store and writes to it, as a traced run does. Of a large one only the last runs are read,
    unless it is checked as a `whole`."""
    from one_trace.store.check import examine

    path = store_path()
    if path is None:
        return
    health = examine(path, whole=whole)
    if health.own is not None:
        newer = f"{path} was written by a newer one-trace; runs traced by this one are kept in {health.own}"
        yield Check("store", "bad", newer, "pip install -U one-trace")
    elif health.runs is None:
        none = f"no run has been traced yet; they will be in {path}"
        yield Check("store", "note", none, "one flow execute KEY --trace")
    elif health.checked is not None:
        part = f"{counted(health.runs, 'run')}, writable, at {path}; the last {health.checked:,} are sound"
        yield Check("store", "ok", f"{part}, the others were not checked", WHOLE)
    else:
        yield Check("store", "ok", f"{counted(health.runs, 'run')}, sound and writable, at {path}")
    for other in health.left_out:
        yield Check(
            "store", "note", f"runs of an older one-trace in {other} are not merged", "one trace sync"
        )
