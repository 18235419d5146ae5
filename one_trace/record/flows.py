"""Flow files: where the host looks for them, and what stands in them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec

from one_trace.guard.files import FLOW_LIMIT, read_plain
from one_trace.record.state import replace_surrogates

FLOWS = Path(".one") / "flows"
DEPTH_LIMIT = 200
"""Brackets within brackets: what reads a flow further on is recursive. Steps five deep take some twenty."""


class FlowFile(msgspec.Struct, frozen=True):
    """A flow as it is written: its `key` field, its definition, and a hash of the definition."""

    key: str
    definition: dict[str, Any]
    version: str
    path: Path
    text: str = ""
    """The file as it was read."""

    def line_of(self, pointer: str) -> int | None:
        """The line (from 1) in which the value at a JSON pointer begins."""
        from one_trace.record.locate import line_of

        return line_of(self.text, pointer)


class FlowFiles:
    """The flows of one project. Each file is read once; a file that cannot be read is as good as none."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self._read: dict[Path, FlowFile | None] = {}
        self._by_key: dict[str, FlowFile] | None = None

    def named(self, key_or_path: str) -> FlowFile | None:
        """The flow that a key, a group/key or a path means, found as the host finds it."""
        if "\0" in key_or_path or len(key_or_path) > 4096:
            return None
        root = self.project / FLOWS
        if key_or_path.endswith(".json") or "\\" in key_or_path:
            return self._file(self.project / key_or_path)
        tries = [root / key_or_path / "flow.json"]
        tries.append(self.project / key_or_path if "/" in key_or_path else root / f"{key_or_path}.flow.json")
        for path in tries:
            found = self._file(path)
            if found is not None:
                return found
        if "/" in key_or_path:
            return None
        for folder in _folders(root):
            found = self._file(folder / key_or_path / "flow.json")
            if found is not None:
                return found
        return None

    def shown(self, flow: FlowFile) -> str:
        """The file's path below the project, or its own where it lies elsewhere."""
        try:
            return flow.path.relative_to(self.project).as_posix()
        except ValueError:
            return flow.path.as_posix()

    def with_key(self, key: str) -> FlowFile | None:
        """The flow with this `key` field: events and file names carry that, not the name it is called by."""
        found = self.named(key)
        if found is not None and found.key == key:
            return found
        if self._by_key is None:
            self._by_key = {}
            for path in self._all():
                flow = self._file(path)
                if flow is not None:
                    self._by_key.setdefault(flow.key, flow)
        return self._by_key.get(key)

    def _all(self) -> list[Path]:
        root = self.project / FLOWS
        found: list[Path] = []
        for folder in _folders(root):
            found.append(folder / "flow.json")
            found.extend(inner / "flow.json" for inner in _folders(folder))
        found.extend(sorted(root.glob("*.flow.json")))
        return found

    def _file(self, path: Path) -> FlowFile | None:
        if path not in self._read:
            self._read[path] = read_flow(path)
        return self._read[path]


def read_flow(path: Path) -> FlowFile | None:
    """One flow file; None where it is not there or is no flow."""
    try:
        data = read_plain(path, FLOW_LIMIT)
        replace_surrogates(data)
        text = data.decode("utf-8", "replace")
        definition = json.loads(text, parse_constant=_refused)
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(definition, dict) or not isinstance(definition.get("steps"), list):
        return None
    if _too_deep(definition):
        return None
    key = definition.get("key")
    if not isinstance(key, str):
        return None
    canonical = json.dumps(definition, sort_keys=True, separators=(",", ":")).encode()
    return FlowFile(key, definition, hashlib.blake2b(canonical, digest_size=8).hexdigest(), path, text)


def _refused(word: str) -> None:
    """NaN and Infinity: JSON to Python, but to nobody else."""
    raise ValueError(word)


def _too_deep(value: object) -> bool:
    level = [value]
    for _ in range(DEPTH_LIMIT):
        inner: list[object] = []
        for each in level:
            if isinstance(each, dict | list):
                inner.extend(each.values() if isinstance(each, dict) else each)
        if not inner:
            return False
        level = inner
    return True


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    except OSError:
        return []
