"""Files that the commands and code of steps name: two steps that name the same one may depend on each other
although neither reads the other's result."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, NamedTuple

_REFERENCE = re.compile(r"\{\{[^}]*\}\}|\$\.[\w$.\[\]\"'*-]+")
_FILE = re.compile(r"[\w.~$-]*(?:/[\w.$-]+)+|(?<![\w.$])[\w-]+\.[A-Za-z]\w{0,7}\b(?!\.)")
_MEDIA_TYPE = re.compile(r"(?:application|audio|font|image|multipart|text|video)/")
_PROGRAM = re.compile(
    r"(?:^|[;&|(\n])\s*(?:\w+=\S*\s+)*"
    r"((?:(?:/?(?:[\w.-]+/)*)(?:ba|z|da)?(?:sh|python[\d.]*|node|deno|bun|ruby|perl|php)\s+(?:-\w+\s+)*)?[^\s;&|()]+)"
)
"""The program of each simple command, with the script that an interpreter runs."""
_WRITTEN = re.compile(
    r"(?:>>?|\btee\s+(?:-a\s+)?|\s-o\s*|\s--output[=\s])\s*((?:\{\{[^}]*\}\}|[^\s;&|<>()])+)"
)
_WRITTEN_BY_CODE = re.compile(r"\b(?:append|write)File(?:Sync)?\s*\(\s*('[^'\n]*'|\"[^\"\n]*\")")
_ENTERED = re.compile(r"(?:\b(?:cd|pushd|mkdir(?:\s+-p)?)|\s-C)\s+([^\s;&|<>()]+)")
_WORD = re.compile(r"(?:\{\{[^}]*\}\}|[^\s;&|<>()'\"`=])+")
_LITERAL = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|`[^`]*`")
_LOADED = re.compile(r"\b(?:require|import)\s*\(\s*['\"][^'\"]*['\"]\s*\)")
COMMON = frozenset({"/dev/null", "&1", "&2", "-", "/tmp", "/bin/sh", "/bin/bash", "/usr/bin/env", ".", ".."})
"""Paths that steps share without depending on one another."""


class Files(NamedTuple):
    """What one step names: `paths` (files and folders), the `folders` that hold them, and all `words`."""

    paths: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()


class SharedFiles:
    """The files of the steps of one list, in order."""

    def __init__(self) -> None:
        self._places: dict[str, list[str]] = {}
        """Ids of the steps by the paths that they name, and by the folders of these."""
        self._words: dict[str, list[str]] = {}

    def add(self, step_id: str, kind: str, config: dict[str, Any]) -> set[str]:
        """Add a step. The ids of those before it that name a file which it names, too."""
        files = _files_of(kind, config)
        places = files.paths | files.folders
        shared = {name for word in files.words for name in self._places.get(word, ())}
        shared.update(name for place in places for name in self._words.get(place, ()))
        for place in places:
            self._places.setdefault(place, []).append(step_id)
        for word in files.words:
            self._words.setdefault(word, []).append(step_id)
        return shared


def written_by(kind: str, config: dict[str, Any]) -> set[str]:
    """The files that a command or code writes, as they are named in it."""
    text = "\n".join(_texts(config))
    pattern = {"bash": _WRITTEN, "code": _WRITTEN_BY_CODE}.get(kind)
    return {target.strip("'\"") for target in pattern.findall(text)} - COMMON if pattern else set()


def _files_of(kind: str, config: dict[str, Any]) -> Files:
    """The files that a step of this type names; actions have none on this machine."""
    if kind == "code":
        source = _LOADED.sub("", " ".join(_texts(config)))
        return _files("\n".join(literal[1:-1] for literal in _LITERAL.findall(source)), [], [])
    if kind == "bash":
        text = "\n".join(_texts(config))
        programs = " ".join(_PROGRAM.findall(text))
        written = [*_WRITTEN.findall(text), *_ENTERED.findall(text)]
        return _files(text, _FILE.findall(programs), written)
    if kind == "flow":
        return _files("\n".join(_texts(config.get("inputs"))), [], [])
    if kind in ("file-read", "file-write"):
        path = config.get("path")
        return _files("", [], [path]) if isinstance(path, str) else Files()
    return Files()


def _files(text: str, programs: list[str], written: list[str]) -> Files:
    ignored = COMMON.union(map(_normal, programs))
    plain = _REFERENCE.sub("\0", text)
    named = [name for name in _FILE.findall(plain) if not _MEDIA_TYPE.match(name)]
    paths = frozenset(map(_normal, (*named, *written))) - ignored
    folders = frozenset(str(parent) for path in paths for parent in PurePosixPath(path).parents)
    words = frozenset(map(_normal, _WORD.findall(text)))
    return Files(paths, folders - COMMON - {"/"}, paths | words - ignored)


def _normal(path: str) -> str:
    return path.strip("'\"").removeprefix("./").rstrip("/")


def _texts(value: object) -> Iterator[str]:
    """The texts in a configuration, at any depth."""
    todo = [value]
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            todo.extend(each.values())
        elif isinstance(each, list):
            todo.extend(each)
        elif isinstance(each, str):
            yield each
