"""The git repository that a run ran in: its remote, and its branch and commit at that time.

The settings are read by git itself, whose format has includes, rewritten URLs and quoting; `git remote
get-url` runs no hook, no monitor and no program of the repository. Everything else is read from plain files
of limited size.
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
"""Time limit for git: a file that its settings include may be a pipe that never answers."""
_TICK_MS = 20
"""File times lag behind by this much at most: a change that close may have come later."""
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_BRANCH = re.compile(r"ref: refs/heads/([^\x00-\x20\x7f~^:?*\[\\]+)\Z")
_BAD_BRANCH = re.compile(r"(?:\A|/)[./-]|\.\.|//|\.lock\Z|/\Z")
"""Parts of a ref's name that git does not allow, or that lead out of its folder."""
_LOG_ENTRY = re.compile(rb"[0-9a-f]+ ([0-9a-f]+) .*> ([0-9]{1,12}) [+-][0-9]{4}(?:\t.*)?\Z", re.DOTALL)
_VARIABLES = frozenset(
    ("PATH", "HOME", "XDG_CONFIG_HOME", "USER", "LOGNAME", "TMPDIR", "SYSTEMROOT", "USERPROFILE")
)


class Repository(Struct, frozen=True):
    """`top`: the working tree; `own`: git's folder for this working tree, `common`: for all of them."""

    top: Path
    own: Path
    common: Path


def find_repository(folder: Path) -> Repository | None:
    """The repository that contains `folder`, as git finds it. Raises OSError."""
    for top in (folder, *folder.parents):
        place = top / ".git"
        if place.is_dir():
            repository = _open(top, place)
            if repository is not None:
                return repository
        elif files.is_plain(place):  # of a worktree or a submodule
            link = _line(place)
            return _open(top, top / link[8:].strip()) if link.startswith("gitdir: ") else None
    return None


def _open(top: Path, own: Path) -> Repository | None:
    own = own.resolve()
    link = own / "commondir"
    shared = _line(link)
    if not shared and os.path.lexists(link):
        return None
    common = (own / shared).resolve() if shared else own
    complete = files.is_plain(own / "HEAD") and (common / "objects").is_dir() and (common / "refs").is_dir()
    return Repository(top, own, common) if complete else None


def remote_url(repository: Repository) -> str | None:
    """The URL of the remote `origin`, as `git remote get-url` prints it; None where there is no git."""
    config = repository.common / "config"
    try:
        if not files.is_plain(config) or config.stat().st_size > _LONGEST_CONFIG:
            return None
    except OSError:
        return None
    return _origin_url(str(repository.top))


@lru_cache(maxsize=256)
def _origin_url(top: str) -> str | None:
    # Relative entries of PATH mean another program in each folder.
    path = os.pathsep.join(filter(os.path.isabs, os.environ.get("PATH", "").split(os.pathsep)))
    git = shutil.which("git", path=path)
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
    url = done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")
    return url if len(url) <= _LONGEST_REMOTE else None


def _environment(top: str) -> dict[str, str]:
    """Only those of git's variables that name its settings: the others may mean another repository (in a
    hook), or have it write files (`GIT_TRACE`).
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _VARIABLES or name.startswith("GIT_CONFIG_")
    }
    ceiling = {} if os.pathsep in top else {"GIT_CEILING_DIRECTORIES": str(Path(top).parent)}
    return kept | ceiling | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def head_at(repository: Repository, started_ms: int) -> tuple[str | None, str | None]:
    """Branch and commit as they were at `started_ms` (ms since 1970); None if it may have changed."""
    place = repository.own / "HEAD"
    head = _line(place)
    if not _is_unchanged(place, started_ms):
        return None, None
    match = _BRANCH.match(head)
    branch = match[1] if match and not _BAD_BRANCH.search(match[1]) and match[1].isprintable() else None
    commit = _commit(repository.common, f"refs/heads/{branch}", started_ms) if branch else head
    if not _SHA.match(commit) or not _log_agrees(repository.own / "logs" / "HEAD", commit, started_ms):
        return branch, None
    return branch, commit


def _commit(common: Path, ref: str, started_ms: int) -> str:
    """The commit of a ref; empty where it may have been another one at `started_ms`."""
    place = common / ref
    if os.path.lexists(place):
        commit = _line(place)
    else:
        place = common / "packed-refs"
        lines = (line.partition(" ") for line in _text(place, _LONGEST_REFS).split("\n"))
        commit = next((commit for commit, _, name in lines if name == ref), "")
    return commit if _is_unchanged(place, started_ms) else ""


def _is_unchanged(place: Path, started_ms: int) -> bool:
    """Whether a file has not changed since; call it after reading the file. The change time of its inode
    counts, too, which cannot be set: a copy, or a commit with a made-up date, is new.
    """
    try:
        at = place.lstat()
    except OSError:
        return False
    changed_ms = max(at.st_mtime_ns, at.st_ctime_ns) // 1_000_000
    return stat.S_ISREG(at.st_mode) and changed_ms + _TICK_MS <= started_ms


def _log_agrees(log: Path, commit: str, started_ms: int) -> bool:
    """Whether git's own log of HEAD, if there is one, ends before `started_ms` and with this commit."""
    if not os.path.lexists(log):
        return True
    try:
        data = files.read_plain(log, _LONGEST_REFS)
    except OSError:
        return False
    last = _LOG_ENTRY.match(data.rstrip(b"\n").rpartition(b"\n")[2])
    return last is not None and last[1] == commit.encode() and int(last[2]) * 1000 <= started_ms


def _line(place: Path) -> str:
    return _text(place, _LONGEST_LINK).rstrip("\r\n")


def _text(place: Path, most: int) -> str:
    """The text of a plain file; empty where it is not one, or too large."""
    try:
        return files.read_plain(place, most).decode("utf-8", "surrogateescape")
    except OSError:
        return ""
