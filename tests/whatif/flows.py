"""Random flows that mix waiting, JavaScript and shell steps, slow enough to be measured."""

from __future__ import annotations

from random import Random
from typing import Any

Step = dict[str, Any]


class Flows:
    """Makes one flow: a list of steps, some of which could run concurrently."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._number = 0

    def make(self) -> dict[str, Any]:
        steps = [self._part() for _ in range(self._random.randint(2, 4))]
        if not any(step["type"] == "loop" for step in steps):
            steps.insert(self._random.randrange(len(steps) + 1), self._loop())
        items = self._named("transform", transform={"expression": "[...Array(10).keys()]"}) | {"id": "items"}
        return {"key": "main", "name": "main", "version": "1", "inputs": {}, "steps": [items, *steps]}

    def _part(self) -> Step:
        return self._random.choice((self._leaf, self._leaf, self._loop, self._condition, self._parallel))()

    def _named(self, kind: str, **config: Any) -> Step:
        self._number += 1
        return {"id": f"s{self._number}", "name": f"step {self._number}", "type": kind} | config

    def _leaf(self) -> Step:
        return self._random.choice((self._waits, self._waits, self._shell, self._script))()

    def _waits(self) -> Step:
        ms = self._random.randint(40, 160)
        return self._named(
            "code", code={"source": f"await new Promise(r => setTimeout(r, {ms})); return {ms}"}
        )

    def _shell(self) -> Step:
        return self._named("bash", bash={"command": f"sleep 0.{self._random.randint(5, 15):02}"})

    def _script(self) -> Step:
        ms = self._random.randint(10, 60)
        source = f"const end = Date.now() + {ms}; while (Date.now() < end); return {ms}"
        return self._named("code", code={"source": source})

    def _inside(self) -> list[Step]:
        return [self._leaf() for _ in range(self._random.randint(1, 2))]

    def _loop(self) -> Step:
        steps = [self._waits() if self._random.random() < 0.7 else self._shell(), *self._inside()[:1]]
        most = self._random.randint(4, 9)
        config = {"over": "$.steps.items.output", "as": "item", "maxIterations": most, "steps": steps}
        return self._named("loop", loop=config)

    def _condition(self) -> Step:
        config = {"expression": self._random.choice(("true", "false"))}
        return self._named("condition", condition=config | {"then": self._inside(), "else": self._inside()})

    def _parallel(self) -> Step:
        return self._named("parallel", parallel={"steps": [self._leaf() for _ in range(3)]})
