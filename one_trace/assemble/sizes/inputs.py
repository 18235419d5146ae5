"""How large is what went in: the sum of the sizes of what a step's selectors resolve to, as far as the record
holds it.

For expressions and code these are the selectors that stand in them; for bash and action it is the
configuration with its selectors resolved. Values are looked up in the maps of `results` and measured as raw
text. What is nowhere in the record makes the sum unknown (null); ``$.env`` is never looked at.

The built-in runner measures the same while it runs (`runner/js/sizes.cjs`); what it has measured is in
`measured`.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Raw

from one_trace.assemble.flowtree.tree import Node
from one_trace.assemble.sizes import templates
from one_trace.assemble.sizes.compact import compact_bytes
from one_trace.assemble.sizes.templates import Path, Unknown, path_of
from one_trace.assemble.sizes.views import Scope, View
from one_trace.record.reading import Record
from one_trace.record.tolerant import ABSENT, present, raw_items, raw_members

_SELECTOR = re.compile(r"\$(?:\??\.[^\W\d]\w*|\[\d+\]|\[\"[^\"\]]+\"\]|\['[^'\]]+'\]|\?\.(?=\[)|\[\*\])+")
_PART = re.compile(r"\.(\w+)|\[(\d+)\]|\[[\"']([^\"'\]]+)[\"']\]")
_INSIDE = {"steps", "then", "else"}
_EXPRESSIONS = {"transform", "code", "condition", "while"}
_RESOLVED = {"bash", "action", "paginate"}
_METHOD = re.compile(
    r"(length|map|filter|reduce|join|slice|includes|find|some|every|forEach|flatMap|flat|sort|concat|indexOf|keys"
    r"|toString|split|trim|replace|match|toUpperCase|toLowerCase|startsWith|endsWith|toFixed|hasOwnProperty)\Z"
)
"""What stands behind a value is a method of it, or its length: the value itself went in."""


class _Step:
    """What is the same for all spans of a step. `size`: that of its input, where nothing is looked up."""

    __slots__ = ("own", "resolved", "selectors", "size")

    def __init__(self, node: Node) -> None:
        self.own = _own(node)
        self.resolved = node.type in _RESOLVED
        self.selectors = _selectors(self.own, code=node.type in _EXPRESSIONS)
        self.size: int | None = None
        if not self.selectors:
            self.size = templates.size(self.own, lambda _: ABSENT) if self.resolved else 0


class Inputs:
    """Measures the inputs of the spans of one run."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._steps: dict[int, _Step] = {}
        self._cache: dict[tuple[int, Path, bool], Raw | None] = {}
        self._loops: dict[int, list[Raw] | None] = {}

    def always(self, node: Node) -> int | None:
        """The size of what goes into a step, where that is the same each time."""
        return self._step(node).size

    def _step(self, node: Node) -> _Step:
        step = self._steps.get(id(node))
        if step is None:
            step = self._steps[id(node)] = _Step(node)
        return step

    def bytes_of(self, span: View) -> int | None:
        """The size of what went into a span, in bytes; None where the record does not tell."""
        step = self._step(span.node)
        if step.size is not None:
            return step.size
        try:
            if step.resolved:
                return templates.size(step.own, lambda selector: self._looked_up(span, selector))
            return sum(compact_bytes(self._value(span, path, code)) or 0 for path, code in step.selectors)
        except Unknown:
            return None

    def resolved(self, span: View, text: str) -> Raw | None:
        """A text of a span's configuration with its values in it, as JSON; None where the record does not
        tell.
        """
        try:
            return templates.resolved(text, lambda selector: self._looked_up(span, selector))
        except Unknown:
            return None

    def _looked_up(self, span: View, selector: str) -> Raw:
        return self._value(span, path_of(selector), code=False)

    def _value(self, span: View, path: Path, code: bool) -> Raw:
        """What a selector resolves to: `ABSENT` for undefined. `code`: it stands in an expression."""
        root = path[0]
        if root == "loop":
            return self._of_loop(span, path, code)
        if root not in ("input", "steps") or len(path) < 2:
            raise Unknown
        scope = span.scope
        key = (id(scope) if root == "steps" else id(span.flow), path, code)
        if key not in self._cache:
            try:
                self._cache[key] = (
                    _result(scope, path, code) if root == "steps" else self._of_input(span, path, code)
                )
            except Unknown:
                self._cache[key] = None
        found = self._cache[key]
        if found is None:
            raise Unknown
        return found

    # -- $.input

    def _of_input(self, span: View, path: Path, code: bool) -> Raw:
        call = span.flow.span
        if call is not None:
            return _follow(self._given(span.node.flow_key, call, path[1]), path[2:], code)
        state = self._record.state
        if state is None:
            raise Unknown
        accepted = state.context.input if state.context is not None else ABSENT
        return _follow(accepted if present(accepted) else state.inputs, path[1:], code)

    def _given(self, flow_key: str, call: View, name: str) -> Raw:
        """An input of a sub-flow, as its steps see it."""
        declaration = self._declared(flow_key).get(name)
        if not isinstance(declaration, dict):
            return ABSENT
        given = call.node.config.get("inputs")
        value = given.get(name) if isinstance(given, dict) else None
        raw = templates.resolved(value, lambda selector: self._looked_up(call, selector))
        if not present(raw) or bytes(raw) == b"null":
            return Raw(msgspec.json.encode(declaration["default"])) if "default" in declaration else ABSENT
        return _coerced(raw, declaration.get("type"))

    def _declared(self, flow_key: str) -> dict[str, Any]:
        found = self._record.flows.with_key(flow_key)
        declared = found.definition.get("inputs") if found is not None else None
        if not isinstance(declared, dict):
            raise Unknown
        return declared

    # -- $.loop

    def _of_loop(self, span: View, path: Path, code: bool) -> Raw:
        """``$.loop.item`` and its other names, in the innermost loop that the span runs in."""
        at: View = span
        while at.container.kind != "loop":
            if at.container.kind == "flow" or at.container.span is None:
                return ABSENT if len(path) > 1 else Raw(b"{}")
            at = at.container.span
        loop = at.container.span
        if loop is None or at.iteration is None or len(path) < 2:
            raise Unknown
        config = loop.node.config
        if path[1] in ("i", config.get("indexAs")):
            return Raw(str(at.iteration).encode())
        if path[1] not in ("item", config.get("as")):
            return ABSENT
        items = self._items_of(loop)
        if items is None or at.iteration >= len(items):
            raise Unknown
        return _follow(items[at.iteration], path[2:], code)

    def _items_of(self, loop: View) -> list[Raw] | None:
        if id(loop) not in self._loops:
            over = loop.node.config.get("over")
            try:
                found = templates.resolved(over, lambda selector: self._looked_up(loop, selector))
            except Unknown:
                found = ABSENT
            self._loops[id(loop)] = raw_items(found)
        return self._loops[id(loop)]


def _result(scope: Scope | None, path: Path, code: bool) -> Raw:
    while scope is not None:
        results = scope.results
        if results is not None and path[1] in results:
            return _follow(results[path[1]], path[2:], code)
        scope = scope.parent
    raise Unknown


def _follow(raw: Raw, path: Path, code: bool) -> Raw:
    return _walk(raw, path) if code else templates.select(raw, path)


def _walk(raw: Raw, path: Path) -> Raw:
    """Follow a path into raw JSON, as far as it leads: what is behind the last member is a method or
    undefined."""
    for part in path:
        if not present(raw):
            return ABSENT
        first = memoryview(raw)[0]
        if first == 0x5B:
            items = raw_items(raw)
            if items is not None and not part.isdecimal():
                return raw
            raw = items[int(part)] if items is not None and int(part) < len(items) else ABSENT
            continue
        members = raw_members(raw) if first == 0x7B else {}
        if members is None:
            return ABSENT
        if part not in members:
            return raw if _METHOD.match(part) else ABSENT
        raw = members[part]
    return raw


def _coerced(raw: Raw, declared: object) -> Raw:
    """A given input as its declared type takes it; Unknown where it would have to be made into another."""
    kind = memoryview(raw)[0]
    if declared == "string":
        return raw if kind == 0x22 else Raw(templates.to_json(_word(raw, kind)))
    if declared in ("number", "boolean"):
        fits = kind in (b"tf" if declared == "boolean" else b"-0123456789")
    else:
        fits = declared not in ("array", "object") or kind == (0x5B if declared == "array" else 0x7B)
    if not fits:
        raise Unknown
    return raw


def _word(raw: Raw, kind: int) -> str:
    if kind in b"[{":
        raise Unknown
    return templates.plain(raw)


def _own(node: Node) -> dict[str, Any]:
    """A step's configuration without the steps inside it."""
    return {name: value for name, value in node.config.items() if name not in _INSIDE}


def _selectors(own: dict[str, Any], *, code: bool) -> list[tuple[Path, bool]]:
    """The selectors of a step, each once, and whether they stand in code."""
    paths: dict[Path | str, Path] = {}
    for text in _strings(own):
        if code:
            parts = [_parts(found.group(0)) for found in _SELECTOR.finditer(text)]
            paths |= {path: path for path in parts if path}
        else:
            paths |= {selector: path_of(selector) for selector in templates.selectors(text)}
    return [(path, code) for path in paths.values()]


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
