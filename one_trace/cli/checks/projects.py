"""The projects: this one, the others that have traced runs, and what the executor leaves in them."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from one_trace.answers.reports import Check
from one_trace.cli.checks.files import FIX, store_path
from one_trace.cli.params import project_here
from one_trace.errors import StoreError
from one_trace.guard.text import can_be_argument, path_of, shell_word, valid
from one_trace.record.files import STATES
from one_trace.settings import paths
from one_trace.view.words import counted

_MOST = 20
"""Projects that are looked into, those with the newest runs."""
_MOST_NAMED = 3


def projects() -> Iterator[Check]:
    """Where flows are run from here, and which projects have traced runs."""
    here, known = project_here(), _known()
    if here is None:
        yield Check("project", "note", "there is no .one/flows in this folder or above: this is no project")
    elif here != valid(str(Path.cwd())):
        wrong = f"One CLI finds the flows of {here} in that folder alone, not below it"
        yield Check("project", "note", wrong, f"cd {shell_word(here)}" if can_be_argument(here) else None)
    else:
        yield Check("project", "ok", f"{here}, {counted(known.get(here, 0), 'traced run')}")
    file = paths.project_file()
    if file is not None and here is not None and not Path(file).is_relative_to(path_of(here)):
        yield Check("project", "note", f"settings come from {file}, which is above this project")
    others = [each for each in known if each != here]
    if others:
        gone = sum(not path_of(each).is_dir() for each in others)
        lost = f", {gone} of which {'is' if gone == 1 else 'are'} gone" if gone else ""
        yield Check("project", "ok", f"{counted(len(others), 'other project')} with traced runs{lost}")


def _known() -> dict[str, int]:
    """The projects with traced runs and how many each has, those with the newest runs first."""
    from one_trace.store import Store

    path = store_path()
    if path is None:
        return {}
    sql = "SELECT cwd, count(*) FROM runs WHERE cwd IS NOT NULL GROUP BY cwd ORDER BY max(started_ms) DESC"
    try:
        with Store(path, readonly=True) as store:
            return dict(store.connection.execute(sql).fetchall())
    except StoreError:
        return {}  # a finding of the check of the store


def state_files(fix: bool) -> Iterator[Check]:
    """The executor writes its whole environment, keys included, to files that everybody can read: in this
    project, and in those that were used last."""
    here = Path(project_here() or ".")
    folders = [here, *(path_of(each) for each in list(_known())[:_MOST] if each != str(here))]
    files = [path for folder in folders for path in _state_files(folder)]
    readable = [path for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077]
    if fix:
        for path in readable:
            path.chmod(0o600)
        fixed = f"{len(readable)} closed to others" if readable else "none needed fixing"
        yield Check("state files", "ok", f"{counted(len(files), 'state file')} in {_where(files)}, {fixed}")
    elif readable:
        many = counted(len(readable), "state file")
        wrong = f"others can read {many} in {_where(readable)}, with the environment and keys of their runs"
        yield Check("state files", "bad", wrong, FIX)
    elif files:
        yield Check("state files", "ok", f"{len(files)} in {_where(files)}, none of them readable by others")


def _state_files(project: Path) -> list[Path]:
    files = (project / STATES).glob("*.state.json")
    return [path for path in files if path.is_file() and not path.is_symlink()]


def _where(files: Sequence[Path]) -> str:
    """The folders that files are in: from here, if it is only the one of this folder."""
    try:
        here = STATES.absolute()
    except OSError:  # the working directory has been deleted
        here = STATES
    folders = dict.fromkeys(path.parent.absolute() for path in files) or [here]
    named = [str(STATES if folder == here else folder) for folder in folders]
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    return ", ".join(named[:_MOST_NAMED]) + more
