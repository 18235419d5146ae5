"""Random flows of concurrent branches, to try on the real One CLI."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.runner.flows import XS, code, flow, loop, parallel, step, subflow, transform

THROWS = "(() => { throw new Error('no') })()"


class Maker:
    """Flows that wait for nothing but promises, so that each has one order."""

    KINDS = ("leaf", "loop", "loop", "parallel", "condition", "while", "flow")

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
        kind = pick.choice(self.KINDS)
        self.loops -= kind in ("loop", "while")
        if depth == 0 or kind == "leaf" or self.loops < 0:
            return self.leaf()
        more = self.handling()
        if kind == "flow":
            return subflow(step_id, sub, {"xs": [1, 2]}, **more)
        inside = self.steps(depth - 1, sub)
        if kind == "loop":
            return loop(step_id, *inside, at_once=pick.randint(1, 4), **more)
        if kind == "parallel":
            return parallel(step_id, *inside, **more)
        if kind == "while":
            return step("while", step_id, {"condition": "true", "maxIterations": 2, "steps": inside}, **more)
        return step("condition", step_id, {"expression": "true", "then": inside}, **more)

    def handling(self) -> dict[str, Any]:
        """How a step that has others in it handles errors."""
        return {}

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
