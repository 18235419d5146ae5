"""What may be told of the project a run ran in: its name, and where its code is kept.

Git's own files are read, no program is started: a hook or a file-system monitor of a foreign repository never
runs because of us.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from one_trace.guard.text import path_of, valid

_URL_SCHEMES = ("https", "http", "ssh", "git")
_SCP = re.compile(r"(?:[^@/:\s]+@)?([A-Za-z0-9.-]+):(?!/?/)([^\s]+)\Z")
_SECTION = re.compile(r'\[\s*remote\s+"origin"\s*\]', re.IGNORECASE)
_URL_LINE = re.compile(r"\s*url\s*=\s*(.+?)\s*\Z", re.IGNORECASE)
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_LONGEST_FILE = 1 << 22


class Project(Struct, frozen=True):
    """Never a path: the folder's name, and a remote without credentials and without ``.git``."""

    name: str | None = None
    remote: str | None = None
    branch: str | None = None
    ref: str | None = None


def project_of(cwd: str | None, started_ms: int) -> Project:
    """The project of a run that started in `cwd` at `started_ms` (ms since 1970).

    Branch and commit are told only if HEAD has not moved since: a run may be sent days later.
    """
    if not cwd:
        return Project()
    try:
        return _project(path_of(cwd), started_ms)
    except (OSError, RuntimeError):  # a folder that was closed to us since; no home that anybody knows of
        return Project()


def _project(here: Path, started_ms: int) -> Project:
    top = next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), None)
    if top is None:
        return Project(name=_name(here))
    git = _git_folder(top / ".git")
    if git is None:
        return Project(name=_name(top))
    common = _common(git)
    remote = _remote(_read(common / "config"))
    branch, ref = _head(git, common) if _unmoved(git, started_ms) else (None, None)
    return Project(name=_name(top), remote=remote, branch=branch, ref=ref)


def _name(folder: Path) -> str | None:
    """A folder's name; a home folder's is a person's, and stays."""
    return None if folder == Path.home() else valid(folder.name) or None


def _git_folder(place: Path) -> Path | None:
    if place.is_dir():
        return place
    said = _read(place).strip()  # of a worktree or a submodule
    if not said.startswith("gitdir:"):
        return None
    return (place.parent / said.removeprefix("gitdir:").strip()).resolve()


def _common(git: Path) -> Path:
    shared = _read(git / "commondir").strip()
    return (git / shared).resolve() if shared else git


def _unmoved(git: Path, started_ms: int) -> bool:
    for mark in (git / "logs" / "HEAD", git / "HEAD"):
        try:
            return mark.stat().st_mtime_ns // 1_000_000 <= started_ms
        except OSError:
            continue
    return False


def _head(git: Path, common: Path) -> tuple[str | None, str | None]:
    head = _read(git / "HEAD").strip()
    if not head.startswith("ref:"):
        return None, head if _SHA.match(head) else None
    name = head.removeprefix("ref:").strip()
    branch = name.removeprefix("refs/heads/") if name.startswith("refs/heads/") else None
    if ".." in name or name.startswith("/"):
        return branch, None
    loose = _read(common / name).strip()
    return branch, loose if _SHA.match(loose) else _packed(common, name)


def _packed(common: Path, name: str) -> str | None:
    for line in _read(common / "packed-refs").split("\n"):
        sha, _, ref = line.partition(" ")
        if ref.strip() == name and _SHA.match(sha):
            return sha
    return None


def _remote(config: str) -> str | None:
    inside = False
    for line in config.split("\n"):
        if line.lstrip().startswith("["):
            inside = bool(_SECTION.match(line.strip()))
        elif inside and (found := _URL_LINE.match(line)):
            return clean_remote(found[1].strip('"'))
    return None


def clean_remote(url: str) -> str | None:
    """A remote as others know it: without user, password, query and ``.git``; None for a place on this
    machine.
    """
    scp = None if "://" in url else _SCP.match(url)
    if scp:
        return f"https://{scp[1]}/{_stem(scp[2])}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _URL_SCHEMES or not host:
        return None
    at = f"{host}:{port}" if port and parts.scheme in ("http", "https") else host
    scheme = "http" if parts.scheme == "http" else "https"
    return f"{scheme}://{at}/{_stem(parts.path)}"


def _stem(path: str) -> str:
    return path.strip("/").removesuffix(".git")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST_FILE).decode("utf-8", "replace")
    except OSError:
        return ""
