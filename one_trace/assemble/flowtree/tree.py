"""Which step is this: the static tree of a flow, as its file has it.

A step is a `Node`; the lists that hold steps are `StepList`s: the flow's own, a body (loop, while, parallel),
a branch (condition). Within a validated flow an id stands once; sub-flows are not validated, so there it may
stand again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from one_trace.engine.rules import CONCURRENCY, WHILE_ITERATIONS
from one_trace.model.trace import Branch
from one_trace.record.flows import FlowFile
from one_trace.record.tolerant import MOST, bounded_number

LEAVES = frozenset(("transform", "code", "file-read", "file-write", "bash", "action", "paginate"))
CONTAINERS = frozenset({"loop", "while", "parallel", "condition", "flow"})
_MS = re.compile(r"(\d+(?:\.\d+)?)ms")
_CONFIG = {"file-read": "fileRead", "file-write": "fileWrite"}


class StepList:
    """A list of steps, run in order by one pass of its owner (or all at once, if that is parallel)."""

    __slots__ = ("branch", "nodes", "owner")

    def __init__(self, owner: Node | None, branch: Branch | None) -> None:
        self.owner = owner
        self.branch = branch
        self.nodes: list[Node] = []


class Node(Struct, eq=False):
    """A step as its flow file has it, what its errors lead to, and what is in it."""

    step_list: StepList
    index: int | None
    """None where the file does not hold it."""
    id: str
    name: str
    type: str
    flow_key: str
    sub_key: str | None = None
    """The flow that it calls, where the file says so."""
    guarded: bool = False
    config: dict[str, Any] = {}
    step: dict[str, Any] = {}
    strategy: str = "fail"
    own_strategy: str = "fail"
    """What the line of its error says of it: the step's own, without its flow's default."""
    retries: int = 0
    retry_delay: float | None = None
    """In ms, where it is the same before each attempt."""
    timeout: float | None = None
    body: StepList | None = None
    then: StepList | None = None
    orelse: StepList | None = None
    concurrency: int = 1
    """How many iterations or children run concurrently."""
    most: int | None = None
    """How many iterations it makes at most, where the file says so."""
    repeats: bool = False
    """It may run more than once in one and the same set of results (under a while, or under a container that
    is retried), or one with the same id may."""

    @property
    def pointer(self) -> str | None:
        """Where it stands in its flow file, as a JSON pointer; None where the file does not hold it."""
        if self.index is None:
            return None
        owner, inside = self.step_list.owner, self.step_list.branch or "steps"
        above = "" if owner is None else owner.pointer
        return None if above is None else f"{above}/{f'{owner.type}/' if owner else ''}{inside}/{self.index}"

    @property
    def silent(self) -> bool:
        """The host writes no events of it."""
        return self.step_list.owner is not None and self.step_list.owner.type == "parallel"

    @property
    def silent_steps(self) -> list[Node]:
        """Those of a parallel block: the host writes no events of them."""
        return self.body.nodes if self.type == "parallel" and self.body is not None else []

    def silent_inside(self) -> Iterator[Node]:
        """Itself and the silent steps in it, at any depth."""
        yield self
        for child in self.silent_steps:
            yield from child.silent_inside()

    @property
    def goes_on(self) -> bool:
        """What stands after it goes on when it fails."""
        return self.strategy in ("continue", "fallback")

    def has_timed_out(self, error: str | None) -> bool:
        """Is it the error that the step's own time-out throws?"""
        if self.timeout is None or not (error or "").startswith(self.timed_out):
            return False
        limit = _MS.match(error or "", len(self.timed_out))
        return limit is None or float(limit[1]) == self.timeout

    @property
    def timed_out(self) -> str:
        """How the error begins that the step's own time-out throws."""
        return f'Step "{self.id}" exceeded timeout of '


class Tree:
    """One flow's steps. `known` is False for a flow whose file is not found: its steps are added as they are
    met."""

    def __init__(self, key: str, *, known: bool) -> None:
        self.key = key
        self.known = known
        self.root = StepList(None, None)
        self.by_id: dict[str, list[Node]] = {}
        self.inputs: dict[str, Any] = {}
        """As the flow declares them."""
        self.file: FlowFile | None = None
        self.callers: set[Node | None] = set()
        """The steps that have called it so far; None: it is the root."""

    def add(self, node: Node) -> Node:
        self.by_id.setdefault(node.id, []).append(node)
        return node

    def foreign(self, node_id: str, name: str, kind: str) -> Node:
        """A step that the file does not hold (it has changed, or is gone)."""
        return Node(StepList(None, None), None, node_id, name, kind, self.key)


def read_tree(flow: FlowFile) -> Tree:
    """The static tree of a flow file. Sub-flows run unvalidated: what is no step there has a step's place."""
    tree = Tree(flow.key, known=True)
    default, inputs = flow.definition.get("defaultOnError"), flow.definition.get("inputs")
    tree.inputs = inputs if isinstance(inputs, dict) else {}
    tree.file = flow
    _fill(tree, tree.root, flow.definition["steps"], default if isinstance(default, dict) else {}, False)
    for alike in tree.by_id.values():
        if len(alike) > 1:
            for node in alike:
                node.repeats = True
    return tree


def _fill(tree: Tree, step_list: StepList, steps: list[Any], default: dict[str, Any], repeats: bool) -> None:
    for index, step in enumerate(steps):
        if not isinstance(step, dict):
            step = {}  # no log line has its id, but those behind it keep their places
        kind = str(step.get("type"))
        node = Node(step_list, index, str(step.get("id")), str(step.get("name")), kind, tree.key, step=step)
        node.repeats = repeats
        step_list.nodes.append(tree.add(node))
        node.guarded = bool(step.get("if") or step.get("unless"))
        _read_handling(node, step, default)
        config = step.get(_CONFIG.get(kind, kind))
        if isinstance(config, dict):
            node.config = config
            _read_inside(tree, node, config, default)


def _read_handling(node: Node, step: dict[str, Any], default: dict[str, Any]) -> None:
    """What becomes of an error: the step's own `onError`, else the flow's default; one is never merged into
    the other."""
    own = step.get("onError")
    handling = own if isinstance(own, dict) else default
    node.own_strategy = str((own.get("strategy") if isinstance(own, dict) else None) or "fail")
    node.strategy = str(handling.get("strategy") or "fail")
    if node.strategy == "fallback" and not handling.get("fallbackStepId"):
        node.strategy = "fail"
    if node.strategy == "retry":
        node.retries = _whole(handling.get("retries"))
        node.retry_delay = None if handling.get("backoff") else bounded_number(handling.get("retryDelayMs"))
    timeout = bounded_number(step.get("timeoutMs"))
    if timeout is not None and timeout > 0:
        node.timeout = timeout


def _read_inside(tree: Tree, node: Node, config: dict[str, Any], default: dict[str, Any]) -> None:
    below = node.repeats or (node.retries > 0 and node.type in CONTAINERS) or node.type == "while"
    if node.type in ("loop", "while", "parallel"):
        node.body = StepList(node, None)
        node.concurrency = _concurrency(node.type, config.get("maxConcurrency"))
        node.most = _most(node.type, config)
        # a loop's iterations have results of their own, so what repeats begins anew inside it
        _fill(tree, node.body, _steps(config.get("steps")), default, below and node.type != "loop")
    elif node.type == "condition":
        node.then, node.orelse = StepList(node, "then"), StepList(node, "else")
        _fill(tree, node.then, _steps(config.get("then")), default, below)
        _fill(tree, node.orelse, _steps(config.get("else")), default, below)
    elif node.type == "flow":
        key = config.get("key")
        if isinstance(key, str) and not key.startswith("$.") and "{{" not in key:
            node.sub_key = key


def _concurrency(kind: str, given: object) -> int:
    number = _whole(given)
    if kind == "parallel":
        return number if number >= 1 else CONCURRENCY
    return number if kind == "loop" and number > 1 else 1


def _most(kind: str, config: dict[str, Any]) -> int | None:
    limit, over = config.get("maxIterations"), config.get("over")
    given = _whole(limit) if _whole(limit) >= 1 else None
    if kind == "while":
        return given if limit is not None else WHILE_ITERATIONS
    return len(over) if kind == "loop" and isinstance(over, list) else None


def _whole(value: object) -> int:
    """A count; 0 where it is none. 1e999 is Infinity to whoever runs the flow."""
    if not isinstance(value, int | float) or isinstance(value, bool) or value != value:
        return 0
    return int(min(max(value, -MOST), MOST))


def _steps(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
