"""The tree of what mattered in a run, as lines of text: what failed, was retried or took long, with the way
to it; the rest is counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from one_trace.guard.text import clean, cut_middle
from one_trace.model.figures import counted, duration
from one_trace.model.fold import Folder, Node
from one_trace.model.trace import FINE_STATUSES, Trace
from one_trace.model.tree import Shape

ROWS = 30
"""Rows that are chosen; the ways to them come on top, up to `_MOST`."""
_MOST = 60
_LEAST_SHARE = 0.05
"""Of the run's time: a step that took less did not matter."""
_READ = 20_000
"""Rows of the tree that are looked at."""
_DEEPEST = 10
"""Levels of indentation."""
_NAME = 60


class _TreeRow(NamedTuple):
    node: Node
    level: int
    parent: int
    """The number of the row above it; -1 at the top."""


def tree_lines(trace: Trace) -> list[str]:
    """A line for each row that mattered; all rows if they are few."""
    shape = Shape(trace)
    rows = list(_rows(shape))
    kept = _kept(rows, shape)
    lines: list[str] = []
    hidden: list[_TreeRow] = []
    for number, row in enumerate(rows):
        if number in kept:
            lines += [*_more(hidden), _line(row)]
            hidden = []
        else:
            hidden.append(row)
    return [*lines, *_more(hidden)]


def _rows(shape: Shape) -> Iterator[_TreeRow]:
    """The tree in its order, without recursion: a hostile flow may nest to any depth."""
    folder = Folder(shape)
    todo = [(node, 0, -1) for node in reversed(folder.top())]
    for number in range(_READ):
        if not todo:
            return
        node, level, parent = todo.pop()
        yield _TreeRow(node, level, parent)
        if not node.members:
            todo += [(child, level + 1, number) for child in reversed(folder.under(node))]


def _kept(rows: list[_TreeRow], shape: Shape) -> set[int]:
    """The numbers of the rows that mattered most, and of those above them."""
    if len(rows) <= ROWS:
        return set(range(len(rows)))
    least = _LEAST_SHARE * (shape.run.duration_ms or shape.horizon)
    ranks = {number: _rank(row, least) for number, row in enumerate(rows)}
    kept: set[int] = set()
    for number in sorted(ranks, key=lambda number: ranks[number])[:ROWS]:
        if ranks[number][0] > _SLOW and kept:
            break
        way = {number}
        while (above := rows[number].parent) >= 0 and above not in kept:
            way.add(number := above)
        if len(kept | way) <= _MOST:
            kept |= way
    return kept


_SLOW = 2


def _rank(row: _TreeRow, least_ms: float) -> tuple[int, float]:
    """What failed first, then what was retried, then what was slow."""
    node = row.node
    took = node.end_ms - node.start_ms
    retried = node.span is not None and node.span.retries > 0
    kind = 0 if node.status not in FINE_STATUSES else 1 if retried else _SLOW if took >= least_ms else 3
    return kind, -took


def _more(hidden: list[_TreeRow]) -> list[str]:
    """A line for rows that are left out, on the uppermost of their levels."""
    steps = sum(max(1, row.node.members) for row in hidden if row.node.span is not None or row.node.members)
    return [f"{_indent(min(row.level for row in hidden))}... {counted(steps, 'step')} more"] if steps else []


def _indent(level: int) -> str:
    return "  " * min(level, _DEEPEST)


def _line(row: _TreeRow) -> str:
    node = row.node
    facts = [duration(node.spread.median if node.spread else node.end_ms - node.start_ms)]
    if node.status != "success":
        facts.append(node.status)
    if node.span is not None:
        facts[0] = duration(node.span.duration_ms)
        facts += [node.span.error_code] if node.span.error_code else []
        facts += [counted(node.span.attempts, "attempt")] if node.span.attempts > 1 else []
    if node.members:
        facts.append(f"{node.members:,} times")
    return f"{_indent(row.level)}{_name(node)}  {', '.join(facts)}"


def _name(node: Node) -> str:
    steps = node.span.step_id if node.span is not None else " > ".join(node.steps)
    return cut_middle(clean(" ".join(part for part in (node.label, steps) if part)), _NAME)
