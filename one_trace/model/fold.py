"""What of a run's tree is worth a line: iterations that went alike become one, failing and odd ones are
kept whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from one_trace.model.trace import Span
from one_trace.model.tree import Shape

ALIKE = 4
"""So many iterations that went alike fold."""
FAILED_KEPT = 5
"""So many iterations that failed alike are kept whole before the rest of them fold."""
ODD_KEPT = 20
"""So many iterations are kept whole because each is unlike the others."""
SIBLINGS = 60
"""A longer list of steps that went well keeps its head and its tail."""
HEAD, TAIL = 20, 10

_WELL = ("success", "skipped")


class Spread(NamedTuple):
    """Least, median and greatest duration in ms, and which member (its number) took that longest."""

    least: float
    median: float
    greatest: float
    slowest: int | None


class Node(NamedTuple):
    """One line of the tree and what stands under it.

    `span` for a step. Without one: an iteration, an attempt, a resume (`label`, with `inner` under it), or
    a fold
    (of `members` things from `first` to `last`, with no lines under it).
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
        self._kinds: dict[tuple[object, ...], int] = {}
        self._kind_of: dict[str, int] = {}
        if not unfold:
            for span in reversed(shape.spans):
                self._kind_of[span.span_id] = self._kind(span)

    def _kind(self, span: Span) -> int:
        """A number that spans share which went alike, all that is in them included (not how often it ran)."""
        below = {
            (child.iteration is not None, self._kind_of[child.span_id]) for child in self.shape.children(span)
        }
        went = (span.step_id, span.status, span.branch, span.attempts, span.late, span.error_code)
        return self._kinds.setdefault((*went, *sorted(below)), len(self._kinds))

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
            self._group(f"attempt {number}", of_it, self._siblings(self._by_iteration(of_it)))
            for number, of_it in sorted(attempts.items())
        ]

    def _by_iteration(self, spans: list[Span]) -> list[Node]:
        nodes: list[Node] = []
        iterations: dict[int, list[Span]] = {}
        for span in spans:
            if span.iteration is None:
                nodes.append(self._step(span, ""))
            else:
                iterations.setdefault(span.iteration, []).append(span)
        return nodes + (self._iterations(dict(sorted(iterations.items()))) if iterations else [])

    def _iterations(self, iterations: dict[int, list[Span]]) -> list[Node]:
        if self.unfold:
            return [self._iteration(number, spans) for number, spans in iterations.items()]
        kinds: dict[tuple[int, ...], list[int]] = {}
        for number, spans in iterations.items():
            kinds.setdefault(tuple(self._kind_of[span.span_id] for span in spans), []).append(number)
        nodes: dict[int, Node] = {}
        odd = 0
        for numbers in kinds.values():
            well = all(self._went_well(span) for span in iterations[numbers[0]])
            kept = 0 if well else FAILED_KEPT
            if len(numbers) - kept < ALIKE:
                kept = len(numbers)
            if well and kept:
                kept = max(0, min(kept, ODD_KEPT - odd))
                odd += kept
            for number in numbers[:kept]:
                nodes[number] = self._iteration(number, iterations[number])
            if numbers[kept:]:
                nodes[numbers[kept]] = self._fold(numbers[kept:], iterations)
        return [nodes[number] for number in sorted(nodes)]

    def _went_well(self, span: Span) -> bool:
        todo = [span]
        while todo:
            at = todo.pop()
            if at.status not in _WELL or at.late:
                return False
            todo.extend(self.shape.children(at))
        return True

    def _iteration(self, number: int, spans: list[Span]) -> Node:
        if len(spans) == 1:
            return self._step(spans[0], f"[{number}]")
        return self._group(f"[{number}]", spans, [self._step(span, "") for span in spans])

    def _fold(self, numbers: list[int], iterations: dict[int, list[Span]]) -> Node:
        members = [iterations[number] for number in numbers]
        times = [self._interval(spans) for spans in members]
        first, last = numbers[0], numbers[-1]
        whole = last - first + 1 == len(numbers)
        spans = [span for member in members for span in member]
        return Node(
            label=f"[{first}-{last}]" if whole else f"[{first}..{last}]",
            status=_worst(spans),
            start_ms=min(start for start, _ in times),
            end_ms=max(end for _, end in times),
            members=len(numbers),
            steps=tuple(span.step_id for span in members[0]),
            spread=spread(
                [(number, end - start) for number, (start, end) in zip(numbers, times, strict=True)]
            ),
        )

    def _siblings(self, nodes: list[Node]) -> list[Node]:
        """A very long list keeps its head, its tail, and whatever did not go well between them."""
        if self.whole_lists or len(nodes) <= SIBLINGS:
            return nodes
        kept = nodes[:HEAD]
        run: list[Node] = []
        failed = 0
        for node in nodes[HEAD:-TAIL]:
            if node.status in _WELL or failed >= ODD_KEPT:
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
        return Node(label, _worst(spans), start, end, inner=tuple(inner), open=running)

    def _interval(self, spans: list[Span]) -> tuple[float, float]:
        return min(span.start_ms for span in spans), max(self.shape.end(span) for span in spans)


def spread(durations: list[tuple[int, float]]) -> Spread:
    """Of (number of the member, duration in ms)."""
    ordered = sorted(durations, key=lambda pair: pair[1])
    middle = len(ordered) // 2
    median = ordered[middle][1]
    if len(ordered) % 2 == 0:
        median = (median + ordered[middle - 1][1]) / 2
    return Spread(ordered[0][1], median, ordered[-1][1], ordered[-1][0])


def _joined(nodes: list[Node]) -> list[Node]:
    if len(nodes) < ALIKE:
        return nodes
    return [
        Node(
            label=f"{len(nodes)} more",
            status=_worst_of(node.status for node in nodes),
            start_ms=min(node.start_ms for node in nodes),
            end_ms=max(node.end_ms for node in nodes),
            members=len(nodes),
            spread=spread([(at, node.end_ms - node.start_ms) for at, node in enumerate(nodes)])._replace(
                slowest=None
            ),
        )
    ]


_BAD_FIRST = ("error", "timeout", "incomplete", "stopped", "success", "skipped")


def _worst(spans: Iterable[Span]) -> str:
    return _worst_of(span.status for span in spans)


def _worst_of(statuses: Iterable[str]) -> str:
    found = set(statuses)
    return next((status for status in _BAD_FIRST if status in found), "success")
