"""The smallest flows that still go wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from tests.assemble.generated import INSIDE, Made, walk


def shrink(made: Made, wrong: Callable[[Made], bool]) -> Made:
    """Drop and simplify, as long as it stays `wrong`, until nothing more can go."""
    smaller = True
    while smaller:
        smaller = False
        for change in _changes(made):
            trial = copy.deepcopy(made)
            change(trial)
            if trial != made and wrong(trial):
                made, smaller = trial, True
                break
    used = {step["id"] for flow in made.flows.values() for steps in walk(flow["steps"]) for step in steps}
    made.bodies = {step_id: bodies for step_id, bodies in made.bodies.items() if step_id in used}
    return made


def _changes(made: Made) -> Iterator[Callable[[Made], None]]:
    yield lambda trial: setattr(trial, "stop_after", None)
    for key, flow in made.flows.items():
        if key != "main":
            yield lambda trial, key=key: trial.flows.pop(key)  # type: ignore[misc]
        if "defaultOnError" in flow:
            yield lambda trial, key=key: trial.flows[key].pop("defaultOnError")  # type: ignore[misc]
        for at, steps in enumerate(walk(flow["steps"])):
            for index, step in enumerate(steps):
                yield lambda trial, k=key, a=at, i=index: _list(trial, k, a).pop(i)  # type: ignore[misc]
                for inside in _bodies(step):
                    yield lambda trial, k=key, a=at, i=index, new=inside: _unwrap(_list(trial, k, a), i, new)  # type: ignore[misc]
                for name in ("onError", "timeoutMs", "if", "unless"):
                    if name in step:
                        yield lambda trial, k=key, a=at, i=index, n=name: _list(trial, k, a)[i].pop(n)  # type: ignore[misc]
                yield from _smaller(key, at, index, step)
    for step_id, bodies in made.bodies.items():
        if len(bodies) > 1:
            yield lambda trial, s=step_id: trial.bodies.update({s: trial.bodies[s][:-1]})  # type: ignore[misc]
            yield lambda trial, s=step_id: trial.bodies.update({s: trial.bodies[s][1:]})  # type: ignore[misc]


def _smaller(key: str, at: int, index: int, step: dict[str, Any]) -> Iterator[Callable[[Made], None]]:
    """Fewer iterations, fewer at a time."""
    config = step.get(step["type"]) or {}
    if config.get("over"):
        yield lambda trial: _over(trial.flows[key], _list(trial, key, at)[index]["loop"]).pop()
    if config.get("maxIterations", 1) > 1:
        yield lambda trial: _list(trial, key, at)[index]["while"].update(
            maxIterations=config["maxIterations"] - 1
        )
    if step["type"] == "loop" and "maxConcurrency" in config:
        yield lambda trial: _list(trial, key, at)[index]["loop"].pop("maxConcurrency")


def _over(flow: dict[str, Any], loop: dict[str, Any]) -> list[Any]:
    """The items of a loop, which may be those of an input; there is one more to drop."""
    over = loop["over"]
    items = flow["inputs"][over.removeprefix("$.input.")]["default"] if isinstance(over, str) else over
    return items if items else [None]


def _list(made: Made, key: str, at: int) -> list[dict[str, Any]]:
    return list(walk(made.flows[key]["steps"]))[at]


def _bodies(step: dict[str, Any]) -> list[list[dict[str, Any]]]:
    config = step.get(step["type"]) or {}
    return [copy.deepcopy(config[name]) for name in INSIDE if name in config]


def _unwrap(steps: list[dict[str, Any]], index: int, inside: list[dict[str, Any]]) -> None:
    steps[index : index + 1] = inside
