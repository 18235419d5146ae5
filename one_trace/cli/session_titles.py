"""Titles of agents' sessions, from the agents' own files on this machine.

Titles are content: they are read for the list on a terminal, and never stored, sent or put into a document.
Only plain files are read, only in part, and nothing is written.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import msgspec
from msgspec import Struct

from one_trace.guard.files import KIB, MIB, is_plain, names, read_end, read_plain, read_start
from one_trace.settings.paths import expand

_HEAD, _TAIL = 64 * KIB, 256 * KIB
"""What is read of a transcript: its title is written at the beginning, and again when it changes."""
_INDEX = 4 * MIB
_SESSION_FILE = 256 * KIB
_MOST_FOLDERS = 2000
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
"""An id that can be the name of a file, and is no path."""
Key = tuple[str | None, str | None]
"""An agent and the id of its session."""


class _Line(Struct):
    """A line of a transcript of Claude Code, or of the index of Codex; most lines have none of these."""

    type: str | None = None
    customTitle: str | None = None
    aiTitle: str | None = None
    summary: str | None = None
    id: str | None = None
    thread_name: str | None = None


class _SessionFile(Struct):
    title: str | None = None


_line = msgspec.json.Decoder(_Line)
_session_file = msgspec.json.Decoder(_SessionFile)


def titles(sessions: Iterable[Key], env: Mapping[str, str] = os.environ) -> dict[Key, str]:
    """The titles of these sessions, where they are known."""
    by_agent: dict[str | None, list[str]] = {}
    for agent, session_id in sessions:
        if session_id is not None and _ID.fullmatch(session_id):
            by_agent.setdefault(agent, []).append(session_id)
    return {
        (agent, session_id): title
        for agent, read in _READERS.items()
        if agent in by_agent
        for session_id, title in read(by_agent[agent], env)
    }


def _claude(ids: list[str], env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """``projects/FOLDER/ID.jsonl``: the user's title, else the agent's, else a summary; the last of each."""
    root = _folder(env, "CLAUDE_CONFIG_DIR", "~/.claude") / "projects"
    folders = names(root)[:_MOST_FOLDERS]
    for session_id in ids:
        paths = (root / folder / f"{session_id}.jsonl" for folder in folders)
        path = next(filter(is_plain, paths), None)
        lines = list(_lines(_ends(path), (b"-title", b'"summary"'))) if path else []
        by_kind = (
            [line.customTitle for line in lines if line.type == "custom-title"],
            [line.aiTitle for line in lines if line.type == "ai-title"],
            [line.summary for line in lines if line.type == "summary"],
        )
        title = next((kind[-1] for kind in by_kind if kind and kind[-1]), None)
        if title:
            yield session_id, title


def _codex(ids: list[str], env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """``session_index.jsonl``: a line for each name that a session was given, the newest last."""
    path = _folder(env, "CODEX_HOME", "~/.codex") / "session_index.jsonl"
    for line in _lines(_read(read_end, path, _INDEX), (b'"thread_name"',)):
        if line.id in ids and line.thread_name:
            yield line.id, line.thread_name


def _opencode(ids: list[str], env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """``storage/session/PROJECT/ID.json``, in versions that have no database yet."""
    root = _folder(env, "XDG_DATA_HOME", "~/.local/share") / "opencode" / "storage" / "session"
    for folder in islice(names(root), _MOST_FOLDERS):
        for session_id in ids:
            path = root / folder / f"{session_id}.json"
            data = _read(read_plain, path, _SESSION_FILE) if is_plain(path) else b""
            try:
                title = _session_file.decode(data).title if data else None
            except (msgspec.MsgspecError, RecursionError):
                continue
            if title:
                yield session_id, title


_READERS = {"claude-code": _claude, "codex": _codex, "opencode": _opencode}


def _folder(env: Mapping[str, str], variable: str, default: str) -> Path:
    found = [Path(env.get(variable, "")), Path(expand(default, env))]
    return next((folder for folder in found if folder.is_absolute()), Path(os.devnull))


def _ends(path: Path) -> bytes:
    start, end = _read(read_start, path, _HEAD), _read(read_end, path, _TAIL)
    return start + b"\n" + end


def _lines(data: bytes, marks: tuple[bytes, ...]) -> Iterator[_Line]:
    """The lines that have one of these texts and can be read."""
    for text in data.split(b"\n"):
        if any(mark in text for mark in marks):
            try:
                yield _line.decode(text)
            except (msgspec.MsgspecError, RecursionError):  # cut, or something else
                continue


def _read(read: Callable[[Path, int], bytes | bytearray], path: Path, limit: int) -> bytes:
    try:
        return bytes(read(path, limit))
    except (OSError, ValueError):
        return b""
