"""The flows of a project, read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec

from one_trace.guard.files import FLOW_LIMIT, read_plain
from one_trace.model.digest import blake2b
from one_trace.record.flow_files import flow_paths, resolve
from one_trace.record.tolerant import parse_json, to_text

DEPTH_LIMIT = 200
"""Nested brackets: code that walks a flow is recursive. Steps nested five deep take about twenty."""


class FlowFile(msgspec.Struct, frozen=True):
    """A flow: its `key` field, its definition, and a hash of the definition. `text`: the file as read."""

    key: str
    definition: dict[str, Any]
    version: str
    path: Path
    text: str = ""

    def line_of(self, pointer: str) -> int | None:
        """The line (from 1) in which the value at a JSON pointer begins."""
        from one_trace.record.locate import line_of

        return line_of(self.text, pointer)


class FlowFiles:
    """The flows of one project. Each file is read once; an unreadable file counts as missing."""

    def __init__(self, project: Path) -> None:
        self.project = Path(os.path.abspath(project))  # noqa: PTH100  links stay as they are
        self._read: dict[str, FlowFile | None] = {}
        self._by_key: dict[str, FlowFile] | None = None

    def named(self, key_or_path: str) -> FlowFile | None:
        """The flow by key, ``group/key`` or path, found as the host finds it."""
        return self._file(resolve(key_or_path, str(self.project)))

    def with_key(self, key: str) -> FlowFile | None:
        """The flow with this `key` field, which events and file names carry. The name that a flow is called
        by may be another."""
        named = self.named(key)
        if named is not None and named.key == key:
            return named
        if self._by_key is None:
            self._by_key = {}
            for path in (flow.path for flow in flow_paths(str(self.project))):
                flow = self._file(path)
                if flow is not None:
                    self._by_key.setdefault(flow.key, flow)
        return self._by_key.get(key)

    @property
    def looked_up(self) -> list[str]:
        """The paths at which a flow was looked for so far."""
        return list(self._read)

    def shown(self, flow: FlowFile) -> str:
        """The flow file's path relative to the project, or absolute if it is outside."""
        try:
            return flow.path.relative_to(self.project).as_posix()
        except ValueError:
            return flow.path.as_posix()

    def _file(self, path: str) -> FlowFile | None:
        if path not in self._read:
            self._read[path] = read_flow(Path(path))
        return self._read[path]


def read_flow(path: Path) -> FlowFile | None:
    """One flow file; None if it is missing or is not a flow."""
    try:
        text = to_text(read_plain(path, FLOW_LIMIT), errors="replace")
        definition = parse_json(text, strict=True)
    except (OSError, ValueError):
        return None
    if not isinstance(definition, dict) or not isinstance(definition.get("steps"), list):
        return None
    key = definition.get("key")
    if not isinstance(key, str) or _too_deep(definition):
        return None
    canonical = json.dumps(definition, sort_keys=True, separators=(",", ":")).encode()
    return FlowFile(key, definition, blake2b(canonical, digest_size=8).hexdigest(), path, text)


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
