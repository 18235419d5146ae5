"""Flows made at random, run by the built-in runner in no time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import strategies as st

from one_trace.assemble import assemble
from one_trace.engine.call import RunOptions
from one_trace.model.trace import Trace
from one_trace.record.files import RunFiles
from one_trace.record.reading import read
from tests.truth import LEAVES, Behaviour, Truth, run_for_truth

DEPTH = 5
TIMES = [
    [0],
    [5],
    [0, 0, 1, 5, 5, 10, 10, 20, 20, 35],
    [1, 2, 3, 4, 6, 7, 9, 11, 13, 17],
    [3, 30, 300],
    list(range(40)),
]
"""What bodies last, in ms: all the same, mostly the same, or each another."""
ODD = ["a.b", "a b", "x/y", "é", "9", "\u2028", "[0]", "#2", " > ", "__proto"]
LOOPS = 8
STEPS = 120
INSIDE = ("steps", "then", "else")


@dataclass
class Made:
    """A set of flows, and what each step does the nth time it is begun. `why`: of a named case, the rule that
    it proves."""

    flows: dict[str, Any]
    bodies: dict[str, list[Behaviour]]
    stop_after: str | None = None
    why: str | None = None

    def behaviour(self, step: dict[str, Any], before: int, attempt: int) -> Behaviour | None:
        bodies = self.bodies.get(step["id"])
        return bodies[(before + attempt - 1) % len(bodies)] if bodies else None

    def to_json(self) -> str:
        """As a named case is kept: one step a line."""
        bodies = {step_id: [asdict(body) for body in bodies] for step_id, bodies in self.bodies.items()}
        why = {"why": self.why} if self.why is not None else {}
        whole = {**why, "flows": self.flows, "bodies": bodies, "stopAfter": self.stop_after}
        return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Made:
        whole = json.loads(text)
        bodies = {key: [Behaviour(**body) for body in bodies] for key, bodies in whole["bodies"].items()}
        return cls(whole["flows"], bodies, whole["stopAfter"], whole.get("why"))


@dataclass
class Maker:
    """Makes flows. `problem`: failures, time-outs, retries, skips and stops; `wide`: many at a time."""

    random: Random
    problem: bool = True
    wide: bool = True
    bodies: dict[str, list[Behaviour]] = field(default_factory=dict)
    count: int = 0
    turns: int = 1
    loops: int = 0
    """`turns`: how often a step at this depth runs; `loops`: how many loops run in all, at most. A loop's
    result holds copies of those before it, so that many loops in a row make a state of gigabytes."""
    left: int = STEPS
    """How many executions of steps may still be added."""
    inputs: dict[str, Any] = field(default_factory=dict)
    """Of the flow that is being made."""
    lent: list[str] = field(default_factory=list)
    """Ids of other flows, which a sub-flow's steps may have as well."""

    def make(self, depth: int = DEPTH) -> Made:
        pick = self.random
        self.times = pick.choice(TIMES)
        self.fails = pick.choice([0.02, 0.06, 0.12]) if self.problem else 0.0
        self.left, whole = STEPS // 6, self.left
        flows = {"sub-b": self.flow("sub-b", self.steps(2, []))}
        self.lent = sorted(ids(flows["sub-b"]["steps"]))
        flows["sub-a"] = self.flow("sub-a", self.steps(3, ["sub-b"]))
        self.lent, self.left = [], whole
        flows["main"] = self.flow("main", self.steps(depth, ["sub-a", "sub-b"]))
        made = Made(flows, self.bodies)
        if self.problem and pick.random() < 0.06:
            made.stop_after = pick.choice(sorted(ids(flows["main"]["steps"])))
        return made

    def flow(self, key: str, steps: list[dict[str, Any]]) -> dict[str, Any]:
        made: dict[str, Any] = {"key": key, "name": key, "inputs": self.inputs, "steps": steps}
        self.inputs = {}
        if self.problem and self.random.random() < 0.15:
            made["defaultOnError"] = self._handling("")
        return made

    def steps(self, depth: int, subs: list[str], least: int = 1) -> list[dict[str, Any]]:
        most = max(least, 3 if self.left > 20 * self.turns else 2 if self.left > 0 else 1)
        return [self.step(depth, subs) for _ in range(self.random.randint(least, most))]

    def step(self, depth: int, subs: list[str]) -> dict[str, Any]:
        pick = self.random
        self.count += 1
        self.left -= self.turns
        step_id = f"s{self.count}" if pick.random() < 0.95 else f"{pick.choice(ODD)}{self.count}"
        if self.lent and pick.random() < 0.1:
            step_id = pick.choice(self.lent)
        kinds = ["leaf", "leaf"]
        if depth > 0 and self.left > 0:
            kinds += ["parallel", "condition"] + (["flow"] if subs else [])
            if self.loops + self.turns <= LOOPS:
                kinds += ["loop", "loop", "while"]
        kind = pick.choice(kinds)
        step = {"id": step_id, "name": step_id.upper(), **self._inside(kind, depth - 1, subs, step_id)}
        if self.problem:
            self._handle(step)
        return step

    def _inside(self, kind: str, depth: int, subs: list[str], step_id: str) -> dict[str, Any]:
        pick = self.random
        if kind == "leaf":
            self.bodies[step_id] = [self._body() for _ in range(pick.randint(1, 4))]
            return {"type": pick.choice(LEAVES)}
        if kind == "loop":
            items = [1] * pick.randint(0, 5 if self.turns == 1 else 3)
            over = items if pick.random() < 0.3 else self._input(items)
            loop = {"over": over, "as": "it", "steps": self._repeated(len(items), depth, subs)}
            if self.wide and pick.random() < 0.6:
                loop["maxConcurrency"] = pick.randint(2, 4)
            return {"type": "loop", "loop": loop}
        if kind == "parallel":
            block: dict[str, Any] = {"steps": self.steps(depth, subs, 2)}
            if not self.wide:
                block["maxConcurrency"] = 1
            elif pick.random() < 0.3:
                block["maxConcurrency"] = 2
            return {"type": "parallel", "parallel": block}
        if kind == "condition":
            side = {"expression": pick.choice(["true", "false"]), "then": self.steps(depth, subs)}
            if pick.random() < 0.6:
                side["else"] = self.steps(depth, subs)
            return {"type": "condition", "condition": side}
        if kind == "while":
            turns = pick.randint(1, 3)
            body = self._repeated(turns, depth, subs)
            return {"type": "while", "while": {"condition": "true", "maxIterations": turns, "steps": body}}
        self.left -= 4 * self.turns
        return {"type": "flow", "flow": {"key": pick.choice(subs)}}

    def _input(self, value: Any) -> str:
        name = f"list{self.count}"
        self.inputs[name] = {"type": "array", "default": value}
        return f"$.input.{name}"

    def _repeated(self, times: int, depth: int, subs: list[str]) -> list[dict[str, Any]]:
        self.loops += self.turns
        before, self.turns = self.turns, self.turns * max(1, times)
        steps = self.steps(depth, subs)
        self.turns = before
        return steps

    def _body(self) -> Behaviour:
        output = self.random.choice([None, 1, "x" * self.random.randint(0, 9), {"k": [1, 2]}])
        error = self.random.choice(["boom", "bang"]) if self.random.random() < self.fails else None
        return Behaviour(duration_ms=self.random.choice(self.times), output=output, error=error)

    def _handle(self, step: dict[str, Any]) -> None:
        pick = self.random
        if pick.random() < 0.25:
            step["onError"] = self._handling(step["id"])
        if pick.random() < (0.05 if step["type"] in LEAVES else 0.12):
            step["timeoutMs"] = pick.choice([1, 7, 12, 30, 55])
        if pick.random() < 0.06:
            step |= pick.choice([{"if": "false"}, {"unless": "true"}, {"if": "true"}])

    def _handling(self, step_id: str) -> dict[str, Any]:
        pick = self.random
        handling: dict[str, Any] = {"strategy": pick.choice(["continue", "continue", "retry", "fallback"])}
        if handling["strategy"] == "retry":
            handling |= {"retries": pick.randint(1, 2), "retryDelayMs": pick.choice([0, 5, 15])}
        if handling["strategy"] == "fallback" and (step_id or pick.random() < 0.5):
            handling["fallbackStepId"] = step_id or "s1"
        return handling


def made_flows(*, problem: bool, wide: bool, depth: int = DEPTH) -> st.SearchStrategy[Made]:
    """All step types, nested up to `depth`."""
    return st.randoms(use_true_random=False).map(
        lambda random: Maker(random, problem=problem, wide=wide).make(depth)
    )


def walk(steps: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Every list of steps in these, themselves first."""
    yield steps
    for step in steps:
        inside = step.get(step["type"]) or {}
        for name in INSIDE:
            if name in inside:
                yield from walk(inside[name])


def ids(steps: list[dict[str, Any]]) -> set[str]:
    return {step["id"] for listing in walk(steps) for step in listing}


def run(made: Made, project: Path, kill_after: int | None = None) -> tuple[RunFiles, Truth, Trace]:
    """Run what was made, and assemble its record."""
    options = RunOptions(stop_after=made.stop_after) if made.stop_after else None
    files, truth = run_for_truth(
        project, made.flows, "main", behaviour=made.behaviour, options=options, kill_after=kill_after
    )
    return files, truth, assemble(read(files)).trace
