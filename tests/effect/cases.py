"""One case: a flow with a fault, the runs before it, and what the first document must say of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Literal

Step = dict[str, Any]
Question = Literal["failed", "insights", "diff"]

_VERBS = (
    "load",
    "fetch",
    "sort",
    "check",
    "merge",
    "send",
    "rank",
    "clean",
    "score",
    "index",
    "plan",
    "draft",
)
_NOUNS = ("Orders", "Users", "Mails", "Pages", "Leads", "Notes", "Prices", "Tickets", "Docs", "Rows")
_FLOWS = ("nightly", "weekly", "hourly", "daily")


@dataclass(frozen=True)
class Place:
    """A place in a flow file: the flow's key, the step's id (none: the file itself), and what follows the
    step's pointer. `file`: another file of the flow, `line` a line of it or of the text at the pointer."""

    flow: str
    step: str | None
    tail: str = ""
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class Expected:
    """What is known of the fault. `kind` is that of the edit: a kind of `edits`, the rule of a finding, or
    a change of a step; `says`: texts that must stand in the document."""

    path: str
    kind: str
    at: Place | None
    edit: Place | None = None
    klass: str | None = None
    says: tuple[str, ...] = ()
    status: str = "error"


@dataclass
class Before:
    """Earlier runs: of which flows and with what inputs and variables; as now where nothing is given."""

    runs: int = 1
    flows: dict[str, dict[str, Any]] | None = None
    inputs: dict[str, str] | None = None
    env: dict[str, str] = field(default_factory=dict)


@dataclass
class Case:
    name: str
    ask: Question
    flow: str
    flows: dict[str, dict[str, Any]]
    expected: Expected
    inputs: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    before: list[Before] = field(default_factory=list)
    kill_after_ms: int | None = None
    host: bool = False
    """Whether the real One CLI gives the same."""


Kind = Callable[["Draft"], Case]
KINDS: dict[str, Kind] = {}


def kind(make: Kind) -> Kind:
    KINDS[make.__name__.replace("_", "-")] = make
    return make


class Draft:
    """A case in the making: names and neighbours by chance, so that nothing depends on them."""

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.random = Random(f"{name} {seed}")
        self.flow = f"{self.random.choice(_FLOWS)}-{name[:24].strip('-')}"
        pool = [verb + noun for verb in _VERBS for noun in _NOUNS]
        self._ids = iter(self.random.sample(pool, len(pool)))

    def id(self) -> str:
        return next(self._ids)

    def good(self) -> Step:
        """A step that does well, and takes next to no time."""
        name = self.id()
        return self.random.choice(
            [
                transform(name, "({ done: true, at: 1 })"),
                code(name, "return { done: true };"),
                transform(name, "[1, 2, 3].map((one) => one * 2)"),
            ]
        )

    def around(self, *steps: Step) -> list[Step]:
        """The steps among others."""
        before = [self.good() for _ in range(self.random.randint(1, 3))]
        return [*before, *steps, *(self.good() for _ in range(self.random.randint(1, 2)))]

    def define(self, *steps: Step, key: str | None = None, inputs: dict[str, Any] | None = None) -> dict:
        """A flow of exactly these steps."""
        key = key or self.flow
        return {
            "key": key,
            "name": key,
            "description": "",
            "version": "1",
            "inputs": inputs or {},
            "steps": list(steps),
        }

    def failed(self, expected: Expected, *steps: Step, exact: bool = False, **more: Any) -> Case:
        """A run that fails in one of these steps."""
        inputs = more.pop("declared", None)
        others = more.pop("others", {})
        listed = steps if exact else self.around(*steps)
        flows = {self.flow: self.define(*listed, inputs=inputs), **others}
        return Case(self.name, more.pop("ask", "failed"), self.flow, flows, expected, **more)

    def expect(
        self, name: str, kind: str, tail: str, klass: str, *says: str, line: int | None = None
    ) -> Expected:
        """A fault in this step of the flow itself, to be edited at `tail` below its pointer."""
        at = Place(self.flow, name)
        return Expected(self.path(name), kind, at, replace(at, tail=tail, line=line), klass, says)

    def path(self, *ids: str) -> str:
        return " > ".join([self.flow, *ids])


def step(name: str, type: str, key: str, config: dict[str, Any], **more: Any) -> Step:
    return {"id": name, "name": name, "type": type, key: config, **more}


def code(name: str, source: str, **more: Any) -> Step:
    return step(name, "code", "code", {"source": source}, **more)


def transform(name: str, expression: str, **more: Any) -> Step:
    return step(name, "transform", "transform", {"expression": expression}, **more)


def bash(name: str, command: str, **more: Any) -> Step:
    config = {"command": command}
    config |= {key: more.pop(key) for key in ("parseJson", "timeout", "env") if key in more}
    return step(name, "bash", "bash", config, **more)


def loop(name: str, over: str, *steps: Step, **more: Any) -> Step:
    config = {"over": over, "as": "item", "steps": list(steps)}
    config |= {key: more.pop(key) for key in ("maxConcurrency", "maxIterations") if key in more}
    return step(name, "loop", "loop", config, **more)


def parallel(name: str, *steps: Step, **more: Any) -> Step:
    return step(name, "parallel", "parallel", {"steps": list(steps)}, **more)


def condition(name: str, expression: str, then: list[Step], otherwise: list[Step], **more: Any) -> Step:
    return step(
        name, "condition", "condition", {"expression": expression, "then": then, "else": otherwise}, **more
    )


def call(name: str, key: str, inputs: dict[str, Any] | None = None, **more: Any) -> Step:
    return step(name, "flow", "flow", {"key": key, "inputs": inputs or {}}, **more)


def wait(ms: int, value: str = "1") -> str:
    """JavaScript that waits and returns a value."""
    return f"await new Promise((done) => setTimeout(done, {ms}));\nreturn {value};"


def flow_file(key: str) -> str:
    return f".one/flows/{key}/flow.json"


def pointer_of(definition: dict[str, Any], step_id: str) -> str:
    """Where the step with this id stands in its flow."""
    todo: list[tuple[Any, str]] = [(definition["steps"], "/steps")]
    while todo:
        value, pointer = todo.pop()
        if isinstance(value, dict):
            if value.get("id") == step_id and "type" in value:
                return pointer
            todo += [(inner, f"{pointer}/{key}") for key, inner in value.items()]
        elif isinstance(value, list):
            todo += [(inner, f"{pointer}/{at}") for at, inner in enumerate(value)]
    raise KeyError(step_id)


def text_of(definition: dict[str, Any]) -> str:
    """A flow as it stands in its file."""
    return json.dumps(definition, indent=2) + "\n"
