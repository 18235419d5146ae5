"""What the state holds, decoded once for all readings of a record."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from one_trace.record.state import Context, Result, read_result
from one_trace.record.tolerant import ABSENT, UNREADABLE, present, raw_items, raw_members

Results = dict[str, Raw]
STATUSES = frozenset({"success", "failed", "timeout", "skipped"})
_COMPARED = 16_000
"""Longer outputs are not compared."""


class _Iterations(msgspec.Struct):
    iterations: list[Results | None] | None = None


_iterations = msgspec.json.Decoder(_Iterations)


class Stored:
    """`root`: the results of the run's own flow; `keeps`: the record is read more than once, so that what was
    decoded is of use again."""

    def __init__(self, context: Context | None, *, keeps: bool) -> None:
        self.root: Results | None = context.steps if context is not None else None
        self._keeps = keeps
        # By id, each with what the id is of, so that no other can get it.
        self._decoded: dict[int, tuple[Raw, Result | None]] = {}
        self._inside: dict[tuple[str, int], tuple[Result, object]] = {}
        self._compact: dict[int, tuple[Raw, int]] = {}

    def result(self, raw: Raw) -> Result | None:
        if not self._keeps:
            return read_result(raw)
        found = self._decoded.get(id(raw))
        if found is None:
            found = self._decoded[id(raw)] = raw, read_result(raw)
        return found[1]

    def inside(self, kind: str, result: Result) -> object:
        """Of a loop its maps, of a flow its map, of a block its children; None where it cannot be read."""
        if not self._keeps:
            return _inside(kind, result)
        found = self._inside.get((kind, id(result)))
        if found is None:
            found = self._inside[kind, id(result)] = result, _inside(kind, result)
        return found[1]

    def is_same(self, one: Raw, other: Raw) -> bool:
        """Whether two outputs may be, however they are indented."""
        if not present(one) or not present(other):
            return present(one) == present(other)
        if not self._keeps or max(memoryview(one).nbytes, memoryview(other).nbytes) > _COMPARED:
            return True
        return self._hash(one) == self._hash(other)

    def _hash(self, output: Raw) -> int:
        found = self._compact.get(id(output))
        if found is None:
            found = self._compact[id(output)] = output, hash(b"".join(bytes(output).split()))
        return found[1]

    def without_spread(self, found: Results, last_id: str | None) -> Results:
        """The results of a sub-flow, but for those in whose place fields of its last step's output stand."""
        last = found.get(last_id) if last_id is not None else None
        final = self.result(last) if last is not None else None
        hidden = raw_members(final.output) if final is not None else None
        if not hidden:
            return found
        return {step_id: raw for step_id, raw in found.items() if step_id not in hidden}


def _inside(kind: str, result: Result) -> object:
    if kind != "loop":
        return raw_members(result.output) if kind == "flow" else raw_items(result.output)
    try:
        return _iterations.decode(result.response).iterations if present(result.response) else None
    except UNREADABLE:
        return None


def member(raw: Raw, name: str) -> Raw:
    """A member of an object."""
    return (raw_members(raw) or {}).get(name, ABSENT)
