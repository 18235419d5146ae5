"""How large is what went in: the sum of the sizes of what a step's selectors resolve to, as far as the record
holds it.

For expressions and code these are the selectors that stand in them; for bash and action it is the
configuration with its selectors resolved. Values are looked up in the maps of `results` and measured as raw
text. What is nowhere in the record makes the sum unknown (null); ``$.env`` is never looked at.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from msgspec import Raw

from one_trace.assemble.live import LiveSpan, Results, Scope
from one_trace.assemble.results import raw_list, settled
from one_trace.assemble.sizes import compact_bytes
from one_trace.assemble.tree import Node
from one_trace.record.state import ABSENT, UNREADABLE, present

_SELECTOR = re.compile(r"\$(?:\.[A-Za-z_]\w*|\[\d+\]|\[\"[^\"\]]+\"\]|\['[^'\]]+'\]|\?\.(?=\w)|\[\*\])+")
_PART = re.compile(r"\.(\w+)|\[(\d+)\]|\[[\"']([^\"'\]]+)[\"']\]")
_INSIDE = {"steps", "then", "else"}
_RESOLVED = {"bash", "action", "paginate"}
_members = msgspec.json.Decoder(dict[str, Raw])
_items = msgspec.json.Decoder(list[Raw])

Path = tuple[str, ...]


class Inputs:
    """Measures the inputs of spans; `inputs` are the run's own, as the state has them."""

    def __init__(self, inputs: Raw) -> None:
        self.inputs = inputs
        self._selectors: dict[int, tuple[list[Path], int]] = {}
        self._cache: dict[tuple[int, Path], Raw | None] = {}
        self._loops: dict[int, list[Raw] | None] = {}

    def bytes_of(self, span: LiveSpan) -> int | None:
        """The size of what went into a span, in bytes; None where the record does not tell."""
        node = span.node
        known = self._selectors.get(id(node))
        if known is None:
            known = self._selectors[id(node)] = _selectors(node)
        paths, total = known
        for path in paths:
            value = self._value(span, path)
            if value is None:
                return None
            total += compact_bytes(value) or 0
        return total

    def _value(self, span: LiveSpan, path: Path) -> Raw | None:
        """What a selector resolves to: `ABSENT` for undefined, None where the record does not tell."""
        root = path[0]
        if root == "loop":
            return self._of_loop(span, path)
        if root not in ("input", "steps") or len(path) < 2:
            return None
        scope = span.scope
        key = (id(scope) if root == "steps" else id(span.act.under), path)
        if key not in self._cache:
            self._cache[key] = _result(scope, path) if root == "steps" else self._of_input(span, path)
        return self._cache[key]

    def _of_input(self, span: LiveSpan, path: Path) -> Raw | None:
        flow = span.act.under
        call = flow.span
        if call is None:
            return _walk(self.inputs, path[1:])
        given = call.node.config.get("inputs")
        value = given.get(path[1]) if isinstance(given, dict) else None
        if value is None:
            return ABSENT
        if not isinstance(value, str) or "$." not in value:
            return _walk(Raw(msgspec.json.encode(value)), path[2:])
        selector = _parts(value)
        return self._value(call, selector + path[2:]) if value.startswith("$.") and selector else None

    def _of_loop(self, span: LiveSpan, path: Path) -> Raw | None:
        """``$.loop.item`` and its other names, in the innermost loop that the span runs in."""
        at: LiveSpan | None = span
        while at is not None and at.act.kind != "loop":
            at = at.act.span
        loop = at.act.span if at is not None else None
        if at is None or loop is None or at.iteration is None or len(path) < 2:
            return None
        config = loop.node.config
        if path[1] in ("i", config.get("indexAs")):
            return Raw(str(at.iteration).encode())
        if path[1] not in ("item", config.get("as")):
            return ABSENT
        items = self._items_of(loop)
        return (
            _walk(items[at.iteration], path[2:]) if items is not None and at.iteration < len(items) else None
        )

    def _items_of(self, loop: LiveSpan) -> list[Raw] | None:
        if id(loop) not in self._loops:
            over = loop.node.config.get("over")
            value = (
                self._value(loop, _parts(over)) if isinstance(over, str) and over.startswith("$.") else None
            )
            self._loops[id(loop)] = raw_list(value) if value is not None else None
        return self._loops[id(loop)]


def _result(scope: Scope | None, path: Path) -> Raw | None:
    while scope is not None:
        results: Results | None = settled(scope)
        if results is not None and path[1] in results:
            return _walk(results[path[1]], path[2:])
        scope = scope.parent
    return None


def _walk(raw: Raw, path: Path) -> Raw:
    """Follow a path into raw JSON, as far as it leads: what is behind the last member is a method or
    undefined."""
    for part in path:
        if not present(raw):
            return ABSENT
        first = memoryview(raw)[0]
        try:
            if first == 0x7B:
                members = _members.decode(raw)
                if part not in members:
                    return raw if part.isidentifier() and part in _METHODS else ABSENT
                raw = members[part]
            elif first == 0x5B:
                items = _items.decode(raw)
                if not part.isdigit():
                    return raw
                raw = items[int(part)] if int(part) < len(items) else ABSENT
            else:
                return raw if part in _METHODS else ABSENT
        except UNREADABLE:
            return ABSENT
    return raw


_METHODS = frozenset(
    {"length", "map", "filter", "reduce", "join", "slice", "includes", "find", "some", "every", "forEach"}
)
_METHODS |= {
    "flatMap",
    "flat",
    "sort",
    "concat",
    "indexOf",
    "keys",
    "toString",
    "split",
    "trim",
    "replace",
    "match",
}
_METHODS |= {"toUpperCase", "toLowerCase", "startsWith", "endsWith", "toFixed", "hasOwnProperty"}


def _selectors(node: Node) -> tuple[list[Path], int]:
    """The selectors of a step, and what its configuration weighs without them (0 but for bash and action)."""
    config = {name: value for name, value in node.config.items() if name not in _INSIDE}
    texts = list(_strings(config))
    paths: list[Path] = []
    seen: set[Path] = set()
    resolved = node.type in _RESOLVED
    weight = len(json.dumps(config, separators=(",", ":"), ensure_ascii=False).encode()) if resolved else 0
    for text in texts:
        for found in _SELECTOR.finditer(text):
            path = _parts(found.group(0))
            if not path:
                continue
            if resolved:
                weight -= len(found.group(0))
            elif path in seen:
                continue
            seen.add(path)
            paths.append(path)
    return paths, weight


def _parts(selector: str) -> Path:
    return tuple(a or b or c for a, b, c in _PART.findall(selector.replace("?.", ".")))


def _strings(value: Any) -> list[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for inner in value.values() for text in _strings(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _strings(inner)]
    return []
