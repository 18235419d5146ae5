"""The order of events in concurrent branches is that of the real One CLI, where ONE_CLI names it."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from flows import code, flow, loop, parallel, step, subflow, transform

from tests.machine import Machine

XS = {"xs": {"type": "array", "default": [1, 2, 3]}}
THROWS = "(() => { throw new Error('no') })()"
SEEDS = range(4)


class Maker:
    """Flows of concurrent branches that wait for nothing but promises, so that each has one order."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.count = 0
        self.loops = 4
        """How many may still be made: One CLI's state grows with the square of what loops have done."""

    def flows(self) -> list[dict[str, Any]]:
        inner = flow("inner", self.leaf(), inputs=XS)
        called = flow("called", *self.steps(1, "inner"), inputs=XS)
        wide = loop(self.step_id(), *self.steps(2, "called"), at_once=2)
        return [flow("main", wide, *self.steps(2, "called"), inputs=XS), called, inner]

    def step_id(self) -> str:
        self.count += 1
        return f"s{self.count}"

    def steps(self, depth: int, sub: str) -> list[dict[str, Any]]:
        return [self.step(depth, sub) for _ in range(self.random.randint(1, 3))]

    def step(self, depth: int, sub: str) -> dict[str, Any]:
        pick, step_id = self.random, self.step_id()
        kind = pick.choice(["leaf", "loop", "loop", "parallel", "condition", "while", "flow"])
        self.loops -= kind in ("loop", "while")
        if depth == 0 or kind == "leaf" or self.loops < 0:
            return self.leaf()
        if kind == "flow":
            return subflow(step_id, sub, {"xs": [1, 2]})
        inside = self.steps(depth - 1, sub)
        if kind == "loop":
            return loop(step_id, *inside, at_once=pick.randint(1, 4))
        if kind == "parallel":
            return parallel(step_id, *inside)
        if kind == "while":
            return step("while", step_id, {"condition": "true", "maxIterations": 2, "steps": inside})
        return step("condition", step_id, {"expression": "true", "then": inside})

    def leaf(self) -> dict[str, Any]:
        pick, step_id, more = self.random, self.step_id(), {}
        if pick.random() < 0.2:
            more = pick.choice(
                [{"if": "false"}, {"timeoutMs": 60_000}, {"onError": {"strategy": "continue"}}]
            )
        if pick.random() < 0.5:
            throws = "onError" in more and pick.random() < 0.5
            return transform(step_id, THROWS if throws else "1", **more)
        return code(step_id, "await null; " * pick.randint(0, 5) + "return 1", **more)


def events(machine: Machine) -> list[tuple[Any, ...]]:
    done = machine.one("--agent", "flow", "execute", "main", "--allow-bash", "--no-trace")
    assert done.code == 0, done.out
    fields = ("event", "stepId", "flowKey", "status", "error")
    return [tuple(map(json.loads(line).get, fields)) for line in done.out.splitlines()]


@pytest.mark.parametrize("seed", SEEDS)
def test_concurrent_branches_go_in_the_hosts_order(real_one: Machine, seed: int) -> None:
    for made in Maker(seed).flows():
        real_one.write(real_one.project / f".one/flows/{made['key']}/flow.json", json.dumps(made))
    host = events(real_one)
    real_one.env["ONE_TRACE_HOST"] = "built-in"
    real_one.with_node()
    assert events(real_one) == host
