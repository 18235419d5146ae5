"""A run's tree as the lines of a page: iterations that went alike share one line, those that failed or
went another way keep their own.
"""

from __future__ import annotations

from typing import NamedTuple

from one_trace.model.alike import Alike, iterations
from one_trace.model.trace import FINE_STATUSES, Span, worst
from one_trace.model.tree import Shape

FOLD_FROM = 4
"""The least number of iterations that fold into one line."""
FAILED_KEPT = 5
"""How many iterations that failed alike keep their own lines before the rest of them fold."""
ODD_KEPT = 20
"""How many iterations keep their own lines because each is unlike the others."""
SIBLINGS = 60
"""A list of more steps than this is cut to its head, its tail, and what failed between them."""
HEAD, TAIL = 20, 10


class Spread(NamedTuple):
    """Least, median and greatest duration in ms, and the number of the member that took longest."""

    least: float
    median: float
    greatest: float
    slowest: int | None


class Node(NamedTuple):
    """One line of the tree. With a `span`, a step; without, an iteration, an attempt or a resume (with the
    lines `inner` under it), or a fold of `members` iterations or steps (with no lines under it).
    """

    label: str
    status: str
    start_ms: float
    end_ms: float
    span: Span | None = None
    inner: tuple[Node, ...] = ()
    members: int = 0
    steps: tuple[str, ...] = ()
    spread: Spread | None = None
    open: bool = False


class Folder:
    """Turns the spans under one span into nodes. With `unfold` nothing folds; with `whole_lists` iterations
    fold, but long lists of different steps stay whole."""

    def __init__(self, shape: Shape, *, unfold: bool = False, whole_lists: bool = False) -> None:
        self.shape = shape
        self.unfold = unfold
        self.whole_lists = unfold or whole_lists
        self._alike = Alike([] if unfold else shape.spans, shape.index)

    def top(self) -> list[Node]:
        """The lines at the top: the steps of the flow, those of each resume under a line of their own."""
        roots: dict[str, list[Span]] = {}
        for span in self.shape.top:
            roots.setdefault(span.path.split(" > ", 1)[0], []).append(span)
        nodes: list[Node] = []
        for number, spans in enumerate(roots.values()):
            steps = self._siblings(self._by_attempt(spans))
            nodes += [self._group(f"resume {number}", spans, steps)] if number else steps
        return nodes

    def under(self, node: Node) -> list[Node]:
        if node.span is None:
            return list(node.inner)
        return self._siblings(self._by_attempt(self.shape.children(node.span)))

    def _by_attempt(self, spans: list[Span]) -> list[Node]:
        attempts: dict[int, list[Span]] = {}
        for span in spans:
            attempts.setdefault(span.parent_attempt or 1, []).append(span)
        if len(attempts) < 2:
            return self._by_iteration(spans)
        return [
            self._group(f"attempt {number}", members, self._siblings(self._by_iteration(members)))
            for number, members in sorted(attempts.items())
        ]

    def _by_iteration(self, spans: list[Span]) -> list[Node]:
        """The nodes of one attempt's spans: steps outside of iterations first, then the iterations."""
        steps = [self._step(span, "") for span in spans if span.iteration is None]
        if self.unfold:
            found = sorted(iterations(spans).items())
            return steps + [self._iteration(number, members) for (_, number), members in found]
        return steps + self._folded(spans)

    def _folded(self, spans: list[Span]) -> list[Node]:
        """Iterations in their order, those that went alike as one node."""
        groups = [sorted(group, key=_number) for group in self._alike.groups(spans)]
        nodes: dict[int, Node] = {}
        odd = 0
        for group in sorted(groups, key=lambda group: _number(group[0])):
            well = all(self._alike.well[span.span_id] for span in group[0])
            kept = 0 if well else FAILED_KEPT
            if len(group) - kept < FOLD_FROM:
                kept = len(group)
            if well and kept:
                kept = max(0, min(kept, ODD_KEPT - odd))
                odd += kept
            for members in group[:kept]:
                nodes[_number(members)] = self._iteration(_number(members), members)
            if group[kept:]:
                nodes[_number(group[kept])] = self._fold(group[kept:])
        return [nodes[number] for number in sorted(nodes)]

    def _iteration(self, number: int, spans: list[Span]) -> Node:
        if len(spans) == 1:
            return self._step(spans[0], f"[{number}]")
        return self._group(f"[{number}]", spans, [self._step(span, "") for span in spans])

    def _fold(self, group: list[list[Span]]) -> Node:
        times = [self._interval(members) for members in group]
        numbers = [_number(members) for members in group]
        first, last = numbers[0], numbers[-1]
        unbroken = last - first + 1 == len(numbers)
        return Node(
            label=f"[{first}-{last}]" if unbroken else f"[{first}..{last}]",
            status=worst(span.status for members in group for span in members),
            start_ms=min(start for start, _ in times),
            end_ms=max(end for _, end in times),
            members=len(group),
            steps=tuple(span.step_id for span in group[0]),
            spread=spread(
                [(number, end - start) for number, (start, end) in zip(numbers, times, strict=True)]
            ),
        )

    def _siblings(self, nodes: list[Node]) -> list[Node]:
        """A very long list cut to its head, its tail, and what did not go well between them."""
        if self.whole_lists or len(nodes) <= SIBLINGS:
            return nodes
        kept = nodes[:HEAD]
        run: list[Node] = []
        failed = 0
        for node in nodes[HEAD:-TAIL]:
            if node.status in FINE_STATUSES or failed >= ODD_KEPT:
                run.append(node)
                continue
            failed += 1
            kept += [*_joined(run), node]
            run = []
        return [*kept, *_joined(run), *nodes[-TAIL:]]

    def _step(self, span: Span, label: str) -> Node:
        return Node(
            label=label,
            status=span.status,
            start_ms=span.start_ms,
            end_ms=self.shape.end(span),
            span=span,
            open=span.status == "incomplete",
        )

    def _group(self, label: str, spans: list[Span], inner: list[Node]) -> Node:
        start, end = self._interval(spans)
        running = any(span.status == "incomplete" for span in spans)
        return Node(label, worst(span.status for span in spans), start, end, inner=tuple(inner), open=running)

    def _interval(self, spans: list[Span]) -> tuple[float, float]:
        return min(span.start_ms for span in spans), max(self.shape.end(span) for span in spans)


def spread(durations: list[tuple[int, float]]) -> Spread:
    """The spread of pairs of a member's number and its duration in ms."""
    ordered = sorted(durations, key=lambda pair: pair[1])
    middle = len(ordered) // 2
    median = ordered[middle][1]
    if len(ordered) % 2 == 0:
        median = (median + ordered[middle - 1][1]) / 2
    return Spread(ordered[0][1], median, ordered[-1][1], ordered[-1][0])


def _joined(nodes: list[Node]) -> list[Node]:
    if len(nodes) < FOLD_FROM:
        return nodes
    return [
        Node(
            label=f"{len(nodes)} more",
            status=worst(node.status for node in nodes),
            start_ms=min(node.start_ms for node in nodes),
            end_ms=max(node.end_ms for node in nodes),
            members=len(nodes),
            spread=spread([(at, node.end_ms - node.start_ms) for at, node in enumerate(nodes)])._replace(
                slowest=None
            ),
        )
    ]


def _number(members: list[Span]) -> int:
    return members[0].iteration or 0
