"""Figures of the built-in runner: whole untraced runs, in turn with the One CLI that ONE_CLI names."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.measure import Bench, Figure, Took
from tests.machine import REAL_ENV, real_one_in

BAR = 1.1
REPEAT = 11
Steps = list[dict[str, Any]]


def built_in(bench: Bench) -> list[Figure]:
    """The wall clock of each kind of flow by the host's; none without the host."""
    host = real_one_in(bench.root / "home")
    if host is None:
        return []
    project = bench.folder("built-in")
    write_flow(project, "called", [_step("transform", "c", expression="$.input")])
    figures = []
    for name, steps in FLOWS.items():
        key = "".join(c if c.isalnum() else "-" for c in name)
        write_flow(project, key, steps)
        argv = ["--agent", "flow", "execute", key, "--allow-bash"]
        env = bench.env | REAL_ENV
        ours = env | {"ONE_TRACE_HOST": "built-in"}
        took, bare = bench.interleaved(
            _call(bench, project, [bench.one, *argv], ours),
            _call(bench, project, [*host, *argv], env),
            repeat=REPEAT,
            choose=median,
        )
        detail = f"{took.wall * 1000:.0f} ms to {bare.wall * 1000:.0f} ms, cpu {took.cpu / bare.cpu:.2f} x"
        figures.append(Figure(f"built-in, {name}", took.wall / bare.wall, "x One CLI", BAR, detail))
    return figures


def _call(bench: Bench, project: Path, argv: list[str], env: dict[str, str]) -> Callable[[], Took]:
    def once() -> Took:
        for folder in (".runs", ".logs"):  # what One CLI searches grows with every run
            shutil.rmtree(project / ".one/flows" / folder, ignore_errors=True)
        return bench.time(argv, env, project)

    return once


def write_flow(project: Path, key: str, steps: Steps) -> None:
    path = project / ".one/flows" / key / "flow.json"
    path.parent.mkdir(parents=True)
    flow = {"key": key, "name": key, "version": "1", "inputs": {}, "steps": steps}
    path.write_text(json.dumps(flow))


def _step(kind: str, step_id: str, **config: Any) -> dict[str, Any]:
    return {"id": step_id, "name": step_id, "type": kind, kind: config}


def _each(count: int, make: Callable[[int], dict[str, Any]]) -> Steps:
    return [make(i) for i in range(count)]


def transforms(count: int, prefix: str = "t") -> Steps:
    return _each(count, lambda i: _step("transform", f"{prefix}{i}", expression=str(i)))


FLOWS: dict[str, Steps] = {
    "one step": transforms(1),
    "300 transforms": transforms(300),
    "50 code steps": _each(50, lambda i: _step("code", f"c{i}", source=f"return {i}")),
    "20 bash steps": _each(20, lambda i: _step("bash", f"b{i}", command=f"echo {i}")),
    "loop over 100": [
        _step("transform", "xs", expression="[...Array(100).keys()]"),
        _step("loop", "l", **{"over": "$.steps.xs.output", "as": "x", "steps": transforms(1)}),
    ],
    "30 sub-flows": _each(30, lambda i: _step("flow", f"f{i}", key="called", inputs={})),
    "20 parallel": _each(20, lambda i: _step("parallel", f"p{i}", steps=transforms(5, f"p{i}-"))),
    "60 conditions": _each(
        60, lambda i: _step("condition", f"c{i}", expression="true", then=transforms(1, f"t{i}-"))
    ),
}
