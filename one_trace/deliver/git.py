"""What is read of the git repository that a run ran in: its remote, branch and commit.

Its settings are read by git itself, whose format has includes, rewritten URLs and quoting; `git remote
get-url` runs no hook, no monitor and no program of the repository. All else is read from plain files, and
only so far.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from functools import lru_cache
from pathlib import Path

from msgspec import Struct

from one_trace.guard import files

_LONGEST_LINK = 4096
_LONGEST_CONFIG = files.MIB
_LONGEST_REFS = 16 * files.MIB
_LONGEST_REMOTE = 2048
_GIT_S = 2.0
"""How long git may take to read its settings: an include of it may be a file that never answers."""
_TICK_MS = 20
"""The clock that files are dated by goes this much behind at most: a change that late may have come after."""
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_BRANCH = re.compile(r"ref: refs/heads/([^\x00-\x20\x7f~^:?*\[\\]+)\Z")
_NO_BRANCH = re.compile(r"(?:\A|/)[./-]|\.\.|//|\.lock\Z|/\Z")
"""In the name of a ref: what git does not allow, and what would lead out of its folder."""
_ENTRY = re.compile(rb"[0-9a-f]+ ([0-9a-f]+) .*> ([0-9]{1,12}) [+-][0-9]{4}(?:\t.*)?\Z", re.DOTALL)
_KEPT = frozenset(
    ("PATH", "HOME", "XDG_CONFIG_HOME", "USER", "LOGNAME", "TMPDIR", "SYSTEMROOT", "USERPROFILE")
)


class Repository(Struct, frozen=True):
    """`top`: the folder of its files; `own`: what git keeps for this working tree, `common` for all."""

    top: Path
    own: Path
    common: Path


def repository(here: Path) -> Repository | None:
    """The repository that the folder `here` lies in, as git finds it. Raises OSError."""
    for top in (here, *here.parents):
        place = top / ".git"
        if place.is_dir():
            found = _opened(top, place)
            if found is not None:
                return found
        elif files.is_plain(place):  # of a worktree or a submodule
            link = _line(place)
            return _opened(top, top / link[8:].strip()) if link.startswith("gitdir: ") else None
    return None


def _opened(top: Path, own: Path) -> Repository | None:
    own = own.resolve()
    link = own / "commondir"
    shared = _line(link)
    common = (own / shared).resolve() if shared else own
    if not shared and os.path.lexists(link):
        return None
    whole = files.is_plain(own / "HEAD") and (common / "objects").is_dir() and (common / "refs").is_dir()
    return Repository(top, own, common) if whole else None


def remote(found: Repository) -> str | None:
    """The URL of the remote `origin`, as `git remote get-url` has it; None where git is not there to ask."""
    config = found.common / "config"
    try:
        if not files.is_plain(config) or config.stat().st_size > _LONGEST_CONFIG:
            return None
    except OSError:
        return None
    return _asked(str(found.top))


@lru_cache(maxsize=256)
def _asked(top: str) -> str | None:
    git = shutil.which("git", path=_absolute(os.environ.get("PATH", "")))
    if git is None:
        return None
    try:
        done = subprocess.run(
            [git, "-C", top, "remote", "get-url", "origin"],
            env=_environment(top),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_GIT_S,
            check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    said = done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")
    return said if len(said) <= _LONGEST_REMOTE else None


def _absolute(path: str) -> str:
    """PATH without the entries that mean another program in each folder."""
    return os.pathsep.join(filter(os.path.isabs, path.split(os.pathsep)))


def _environment(top: str) -> dict[str, str]:
    """Of the variables of git only those that name its settings: the others speak of another repository (in
    a hook), or have it write files (`GIT_TRACE`).
    """
    kept = {
        name: value for name, value in os.environ.items() if name in _KEPT or name.startswith("GIT_CONFIG_")
    }
    ceiling = {} if os.pathsep in top else {"GIT_CEILING_DIRECTORIES": str(Path(top).parent)}
    return kept | ceiling | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def head(found: Repository, started_ms: int) -> tuple[str | None, str | None]:
    """Branch and commit as they were at `started_ms` (ms since 1970): told only where nothing that says so
    has changed since.
    """
    place = found.own / "HEAD"
    said = _line(place)
    if not _unchanged(place, started_ms):
        return None, None
    named = _BRANCH.match(said)
    branch = named[1] if named and not _NO_BRANCH.search(named[1]) and named[1].isprintable() else None
    commit = _commit(found.common, f"refs/heads/{branch}", started_ms) if branch else said
    if not _SHA.match(commit) or not _agrees(found.own / "logs" / "HEAD", commit, started_ms):
        return branch, None
    return branch, commit


def _commit(common: Path, name: str, started_ms: int) -> str:
    """The commit of a branch; empty where it may have been another one at `started_ms`."""
    place = common / name
    if os.path.lexists(place):
        commit = _line(place)
    else:
        place = common / "packed-refs"
        commit = _packed(place, name)
    return commit if _unchanged(place, started_ms) else ""


def _packed(place: Path, name: str) -> str:
    pairs = (line.partition(" ") for line in _text(place, _LONGEST_REFS).split("\n"))
    return next((commit for commit, _, ref in pairs if ref == name), "")


def _unchanged(place: Path, started_ms: int) -> bool:
    """Whether a file is as it was. Asked after it was read; by the time of the change to its inode, too,
    which nobody can set: a copy, or a commit whose date was made up, is new.
    """
    try:
        at = place.lstat()
    except OSError:
        return False
    changed_ms = max(at.st_mtime_ns, at.st_ctime_ns) // 1_000_000
    return stat.S_ISREG(at.st_mode) and changed_ms + _TICK_MS <= started_ms


def _agrees(log: Path, commit: str, started_ms: int) -> bool:
    """Whether git's own log of HEAD, where it keeps one, ends before `started_ms` and with this commit."""
    if not os.path.lexists(log):
        return True
    try:
        data = files.read_plain(log, _LONGEST_REFS)
    except OSError:
        return False
    last = _ENTRY.match(data.rstrip(b"\n").rpartition(b"\n")[2])
    return last is not None and last[1] == commit.encode() and int(last[2]) * 1000 <= started_ms


def _line(place: Path) -> str:
    return _text(place, _LONGEST_LINK).rstrip("\r\n")


def _text(place: Path, most: int) -> str:
    """The text of a plain file; empty where it is none, or too large."""
    try:
        return files.read_plain(place, most).decode("utf-8", "surrogateescape")
    except OSError:
        return ""
