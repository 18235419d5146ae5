"""What the state says of an execution before it is over: where its result must stand, if what it runs in
succeeds as the state says. Only a guess, which the host's maps, run again, confirm or refute at the end."""

from __future__ import annotations

import itertools
from collections.abc import Collection

from msgspec import Raw, Struct
from msgspec.structs import replace

from one_trace.assemble.flowtree.tree import Node, StepList
from one_trace.assemble.ground.executions import Execution, Where, lineage, outwards
from one_trace.assemble.ground.stored import STATUSES, Results, Stored, member
from one_trace.record.state import Result
from one_trace.record.tolerant import raw_items


class Expectation(Struct, gc=False, frozen=True):
    """`level`: how likely it is that no other execution has left it."""

    result: Result | None
    level: int
    around: Results | None = None
    """The map that it stands in."""
    raw: Raw | None = None
    """The result as it stands in the state."""
    inside: object = None
    """Decoded: of a loop, its maps; of a flow, its map."""


UNLIKELY, LIKELY, SURE = range(3)
NOTHING = Expectation(None, UNLIKELY)


class Expected:
    """`last_go`: results of earlier goes may have been written anew; `completed`: the steps that have left
    one in those, which may still stand there. `given_up`: steps that failed or were timed out while something
    in them ran on."""

    def __init__(self, stored: Stored, last_go: int, completed: Collection[str] = ()) -> None:
        self._stored, self._root = stored, stored.root
        self.given_up: set[Node] = set()
        self._last_go, self._completed = last_go, completed
        self._merging: dict[int, tuple[bool, bool]] = {}
        self._maps: dict[tuple[int, int], Results | None] = {}

    def of(self, execution: Execution) -> Expectation:
        if execution.expected is None:
            above = itertools.takewhile(lambda each: each.expected is None, outwards(execution))
            for each in reversed([execution, *above]):  # from outside: there may be any number around it
                each.expected = each.expected or self._of(each)
        return execution.expected  # type: ignore[no-any-return]

    def _of(self, execution: Execution) -> Expectation:
        where = execution.where
        if where.silent and where.above is not None:
            block = self.of(where.above)
            if block.result is not None and block.result.status == "success":
                if self._is_last(where, block.result):
                    children = self._inside(where.above)
                    if isinstance(children, list) and where.index is not None and where.index < len(children):
                        result = self._stored.result(children[where.index])
                        if result is not None and result.status in STATUSES:
                            return Expectation(result, min(block.level, _surest(where.above)))
                return NOTHING
            if block.level == SURE and block.result is not None and block.result.status == "skipped":
                return NOTHING
        found, level = self.map_around(execution)
        raw = found.get(execution.node.id) if found is not None else None
        result = self._stored.result(raw) if raw is not None else None
        if result is None or result.status not in STATUSES:
            return NOTHING
        if result.status == "success" and result.duration_ms is None:
            return NOTHING  # what a while leaves before each iteration
        if execution.node.repeats:
            level = UNLIKELY
        elif level == SURE and (self._may_be_merged_over(execution) or self._may_be_late(execution)):
            level = LIKELY
        if where.silent:
            level = min(level, LIKELY if where.go == 1 else UNLIKELY)
        return Expectation(result, level, found, raw)

    def _may_be_late(self, execution: Execution) -> bool:
        """One that began before, and was left running, may write its result after it."""
        for above in outwards(execution) if self.given_up else ():
            if above.node in self.given_up:
                return True
            if above.node.type == "flow" or _is_concurrent(above.node):
                return False  # a map of its own
        return False

    def _may_be_merged_over(self, execution: Execution) -> bool:
        """A concurrent loop may run beside it, or go on after it failed: what it began with is merged
        over what is written since."""
        beside, after = self._merged_by(execution.node)
        return beside or (after and _is_again(execution))

    def is_beside_merging(self, node: Node) -> bool:
        return self._merged_by(node)[0]

    def _merged_by(self, node: Node) -> tuple[bool, bool]:
        known = self._merging.get(id(node))
        if known is None:
            known = self._merging[id(node)] = _runs_beside_merging(node), _runs_after_merging(node)
        return known

    @staticmethod
    def _is_last(where: Where, result: Result) -> bool:
        """Whether it runs in the last attempt of what has this result."""
        return (where.attempt or 1) == (result.retries or 0) + 1

    def map_around(self, execution: Execution) -> tuple[Results | None, int]:
        """The map that its result is written into, and whether that is this very run of it."""
        at: Execution = execution
        while True:
            where = at.where
            above = where.above
            if above is None:
                known = where.go == self._last_go and execution.node.id not in self._completed
                return self._root, SURE if known else LIKELY
            kind = above.node.type
            if kind in ("loop", "flow"):
                around = self.of(above)
                if around.result is None or around.result.status != "success":
                    if kind == "loop":  # its results were left in the map around it
                        found, level = self.map_around(above)
                        return found, UNLIKELY if above.node.concurrency > 1 else min(level, LIKELY)
                    return None, UNLIKELY
                if not self._is_last(where, around.result):
                    return None, UNLIKELY
                inside = self._inside(above)
                if kind == "flow":
                    if not isinstance(inside, dict):
                        return None, UNLIKELY
                    key = above.number, 0
                    if key not in self._maps:
                        self._maps[key] = self._stored.without_spread(
                            inside, at.node.step_list.nodes[-1].id if at.node.step_list.nodes else None
                        )
                    return self._maps[key], around.level
                iteration = where.iteration or 0
                if isinstance(inside, list) and iteration < len(inside):
                    return inside[iteration] or {}, around.level
                return None, UNLIKELY
            at = above

    def _inside(self, container: Execution) -> object:
        """Of a loop its maps, of a flow its map, of a block its children."""
        expected = self.of(container)
        if expected.inside is None and expected.result is not None:
            inside: object = self._stored.inside(container.node.type, expected.result)
            container.expected = expected = replace(expected, inside=inside or ())
        return expected.inside

    def error(self, execution: Execution) -> str | None:
        result = self.of(execution).result
        return result.error if result is not None else None

    def iterations(self, container: Execution) -> int | None:
        """How many iterations it makes."""
        expected = self.of(container)
        if expected.result is None or expected.result.status != "success" or expected.level < SURE:
            return None
        if container.node.type == "loop":
            inside = self._inside(container)
            return len(inside) if isinstance(inside, list) else None
        output = member(expected.result.output, "results")
        items = raw_items(output)
        return len(items) if items is not None else None

    def taken(self, container: Execution) -> bool | None:
        """Whether a condition held."""
        result = self.of(container).result
        if result is None or result.status != "success":
            return None
        raw = bytes(member(result.output, "conditionResult"))
        return {b"true": True, b"false": False}.get(raw)


def _surest(block: Execution) -> int:
    """A block that fails leaves the result of an iteration before in its place."""
    again = any(each.where.iteration for each in lineage(block))
    return LIKELY if again else SURE


def _runs_beside_merging(node: Node) -> bool:
    at, owner = node, node.step_list.owner
    while owner is not None:
        if any(_merges(child) for child in owner.silent_steps if child is not at):
            return True
        at, owner = owner, owner.step_list.owner
    return False


def _runs_after_merging(node: Node) -> bool:
    """In a list that went on although a concurrent loop failed."""
    at: Node | None = node
    while at is not None and not (at is not node and _is_concurrent(at)):
        before = at.step_list.nodes[: (at.index or 0) + (at is node)]
        if any(_merges(each) and each.goes_on for each in before):
            return True
        at = at.step_list.owner
    return False


def _is_again(execution: Execution) -> bool:
    """There may be a result of it from before."""
    return execution.where.go > 1 or any(each.where.iteration for each in lineage(execution))


def _is_concurrent(node: Node) -> bool:
    return node.type == "loop" and node.concurrency > 1


def _merges(node: Node) -> bool:
    """It is a concurrent loop, or has one in it."""
    lists: list[StepList | None] = [node.body, node.then, node.orelse]
    inside = (child for inner in lists if inner is not None for child in inner.nodes)
    return _is_concurrent(node) or any(_merges(child) for child in inside)
