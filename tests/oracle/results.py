"""The results in a state, by where they are, without what the steps made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

Results = dict[str, Any]
"""Results by the ids of their steps."""
Skeleton = dict[str, Any]
"""The status of the run, the completed steps, and of each result its status, duration and retries."""
_RESULTS = ("success", "failed", "timeout", "skipped")
_COPY = "_steps"
"""Where One CLI repeats a sub-flow's results; the built-in runner does not."""


def skeleton(status: str, completed: list[str], steps: Results) -> Skeleton:
    """`steps`: the results of the flow's context."""
    return {"status": status, "completed": list(completed), "steps": _Skeletons().of(steps)}


def recorded(file: Path | None) -> Skeleton | None:
    """Of a state file; None without one."""
    if file is None or not file.exists():
        return None
    state = msgspec.json.decode(file.read_bytes())
    return skeleton(state["status"], state["completedSteps"], state["context"]["steps"])


class _Skeletons:
    """Visits each value once, though a result stands in many places."""

    def __init__(self) -> None:
        self._made: dict[int, Any] = {}

    def of(self, value: dict[str, Any] | list[Any]) -> Any:
        key = id(value)
        if key not in self._made:
            self._made[key] = self._in_object(value) if isinstance(value, dict) else self._in_list(value)
        return self._made[key]

    def _in_list(self, values: list[Any]) -> Any:
        found = [self.of(each) if isinstance(each, dict | list) else None for each in values]
        return found if any(each is not None for each in found) else None

    def _in_object(self, value: dict[str, Any]) -> Any:
        inside = {}
        for key, each in value.items():
            if isinstance(each, dict | list) and key != _COPY:
                found = self.of(each)
                if found is not None:
                    inside[key] = found
        status = value.get("status")
        if status in _RESULTS:
            return status, value.get("durationMs"), value.get("retries"), inside
        return inside or None


def first_difference(where: list[str], one: Any, other: Any) -> tuple[list[str], Any, Any]:
    """Of two that differ: where, and the least that does, which is the reason for the rest."""
    if isinstance(one, tuple) and isinstance(other, tuple) and one[3] != other[3]:
        return first_difference(where, one[3], other[3])
    one, other = _at_least_empty(one, other), _at_least_empty(other, one)
    if isinstance(one, dict) and isinstance(other, dict):
        key = next(key for key in (*one, *other) if one.get(key) != other.get(key))
        return first_difference([*where, key], one.get(key), other.get(key))
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        index = next(index for index, left in enumerate(one) if left != other[index])
        return first_difference([*where, str(index)], one[index], other[index])
    return where, one, other


def _at_least_empty(one: Any, other: Any) -> Any:
    """A map without results is left out of a skeleton."""
    return {} if one is None and isinstance(other, dict) else one


def count_differences(one: Any, other: Any) -> int:
    """How many results differ."""
    if one == other:
        return 0
    if isinstance(one, tuple) and isinstance(other, tuple):
        return (one[:3] != other[:3]) + count_differences(one[3], other[3])
    if isinstance(one, dict) and isinstance(other, dict):
        return sum(count_differences(one.get(key), other.get(key)) for key in one.keys() | other.keys())
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return sum(count_differences(left, right) for left, right in zip(one, other, strict=True))
    return 1
