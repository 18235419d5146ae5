"""Paths of steps that are nested deeply.

Each path contains that of the step around it: whole ones would take the square of the depth. A long one is
stored as what it adds. In `steps`, `path` is then a hash of the path around the step and the step's id, and
`parent` the step around it; in `spans`, `tail` is what follows the path of the parent, and `path` is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from one_trace.model.digest import blake2b
from one_trace.model.trace import Span
from one_trace.model.tree import below
from one_trace.store.connection import Connection

LONG = 500
"""Characters of a path that is stored whole at most."""
StepKey = tuple[str, str, str, str, str, str]
"""(flow, static path as it is stored, step_id, name, type, flow_key)"""


class StepKeys(NamedTuple):
    """The step of each span, and the step around each one whose path is not stored whole."""

    of_spans: list[StepKey]
    around: dict[StepKey, StepKey]


def step_keys(flow: str, spans: Sequence[Span]) -> StepKeys:
    keys: dict[str, StepKey] = {}
    around: dict[StepKey, StepKey] = {}
    for span in spans:
        outer = keys.get(span.parent_span_id or "")
        path = below(flow if outer is None else outer[1], span.step_id)
        deep = outer is not None and (outer in around or len(path) > LONG)
        if outer is not None and deep:
            lead = blake2b(outer[1].encode("utf-8", "replace"), digest_size=16).hexdigest()
            path = below(lead, span.step_id)
        key = keys[span.span_id] = (flow, path, span.step_id, span.name, span.type, span.flow_key)
        if outer is not None and deep:
            around[key] = outer
    return StepKeys([keys[span.span_id] for span in spans], around)


def tails(spans: Sequence[Span]) -> dict[str, str]:
    """What each span with a long path adds to the path of its parent, by the span's id."""
    found: dict[str, str] = {}
    paths: dict[str | None, str] = {}
    for span in spans:
        lead = paths.get(span.parent_span_id)
        if lead is not None and len(span.path) > LONG and span.path.startswith(lead):
            found[span.span_id] = span.path[len(lead) :]
        paths[span.span_id] = span.path
    return found


def add_tails(spans: Iterable[Span], tails: dict[str, str]) -> None:
    """Complete the paths of spans with a tail; parents come first. Raises KeyError if one is missing."""
    paths: dict[str | None, str] = {}
    for span in spans:
        tail = tails.get(span.span_id)
        if tail is not None:
            span.path = paths[span.parent_span_id] + tail
        paths[span.span_id] = span.path


def whole_paths(connection: Connection, flow: str | None = None) -> dict[int, str]:
    """The static path of each step (of a flow) whose path is not stored whole: hardly ever any."""
    deep = "SELECT flow FROM steps WHERE parent IS NOT NULL" + (" AND flow = ?" if flow is not None else "")
    sql = f"SELECT id, path, step_id, parent FROM steps WHERE flow IN ({deep})"
    rows = connection.execute(sql, () if flow is None else (flow,))
    steps = {number: (path, step_id, parent) for number, path, step_id, parent in rows}
    found: dict[int, str] = {}
    for number in steps:
        _add_path(number, steps, found)
    return {number: path for number, path in found.items() if steps[number][2] is not None}


def _add_path(number: int, steps: dict[int, tuple[str, str, int | None]], found: dict[int, str]) -> None:
    """Without recursion; a damaged store may have circles and missing parents."""
    inner: dict[int, None] = {}
    while number not in found:
        path, _, parent = steps[number]
        if parent is None or parent not in steps or parent in inner:
            found[number] = path
        else:
            inner[number] = None
            number = parent
    path = found[number]
    for each in reversed(inner):
        path = found[each] = below(path, steps[each][1])
