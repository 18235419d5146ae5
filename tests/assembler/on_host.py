"""Random flows that the real One CLI runs, as each assembler reads them, by
``python -m tests.assembler.on_host``.

``ONE_CLI`` names its program. ``--first 0 --runs 100`` are the seeds; ``--keep FOLDER`` keeps the projects of
which an assembler found no reading. The flows run at many at a time, wait for random times, fail, are retried
and are timed out: what real timers do, no virtual clock does. What happened is not known; the two are
compared by where both are certain.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from one_trace import assemble, assembler
from one_trace.model.trace import Trace
from one_trace.record.files import RunFiles, discover
from one_trace.record.reading import read
from tests.machine import REAL_ENV, real_one_in
from tests.runner.flows import code, flow, loop, parallel, step, subflow, transform

READERS: dict[str, Callable[..., Any]] = {"rules": assemble.assemble, "engine": assembler.assemble}
UNSURE = {"iteration", "path", "status", "startMs", "durationMs", "attempts"}
Step = dict[str, Any]
XS = {"xs": {"type": "array", "default": [1, 2, 3]}}
CONTINUE = {"strategy": "continue"}
LONGEST_S = 60


class Maker:
    """Flows of a seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._steps = 0
        self._loops = 5
        """How many may still be made: One CLI's state grows with the square of what loops have done."""

    def flows(self) -> list[Step]:
        inner = flow("inner", *[self._leaf() for _ in range(self._random.randint(1, 2))], inputs=XS)
        called = flow("called", *self._list(1, "inner"), inputs=XS)
        wide = loop(self._id(), *self._list(2, "called"), at_once=self._random.randint(2, 3))
        return [flow("main", wide, *self._list(2, "called"), inputs=XS), called, inner]

    def _id(self) -> str:
        self._steps += 1
        return f"s{self._steps}"

    def _list(self, depth: int, sub: str) -> list[Step]:
        return [self._step(depth, sub) for _ in range(self._random.randint(1, 3))]

    def _handling(self) -> Step:
        """How a step handles errors."""
        pick = self._random
        retried = {
            "strategy": "retry",
            "retries": pick.randint(1, 2),
            "retryDelayMs": pick.choice([0, 5, 20]),
        }
        timed = {"onError": CONTINUE, "timeoutMs": pick.choice([5, 12, 30, 60])}
        return pick.choice([{}, {}, {"onError": CONTINUE}, timed, {"onError": retried}])

    def _step(self, depth: int, sub: str) -> Step:
        pick = self._random
        kind = pick.choice(["leaf", "loop", "loop", "parallel", "parallel", "condition", "while", "flow"])
        self._loops -= kind in ("loop", "while")
        if depth == 0 or kind == "leaf" or self._loops < 0:
            return self._leaf()
        step_id, more = self._id(), self._handling() if pick.random() < 0.5 else {}
        if kind == "flow":
            return subflow(step_id, sub, {"xs": [1, 2]}, **more)
        inside = self._list(depth - 1, sub)
        if kind == "loop":
            return {**loop(step_id, *inside, at_once=pick.randint(1, 4)), **more}
        if kind == "parallel":
            return parallel(step_id, *inside, **more)
        if kind == "while":
            return step("while", step_id, {"condition": "true", "maxIterations": 2, "steps": inside}, **more)
        return step("condition", step_id, {"expression": "true", "then": inside}, **more)

    def _leaf(self) -> Step:
        pick, step_id = self._random, self._id()
        more = self._handling() if pick.random() < 0.5 else {"if": "false"} if pick.random() < 0.1 else {}
        if pick.random() < 0.3:
            return transform(step_id, **more)
        ms, spread = pick.choice([0, 1, 3, 8, 20, 40]), pick.choice([0, 5, 30])
        throws = "onError" in more or pick.random() < 0.08
        failure = "if (Math.random() < 0.4) throw new Error('no'); " if throws else ""
        wait = f"await new Promise((done) => setTimeout(done, {ms} + Math.random() * {spread})); "
        return code(step_id, f"{wait}{failure}return 1", **more)


class Read(NamedTuple):
    """`certain`: of each path of which nothing is in doubt, what is said of the spans there."""

    spans: int
    marked: int
    no_reading: bool
    certain: dict[str, list[tuple[object, ...]]]
    ns: int


def run(seed: int, project: Path, command: list[str], env: dict[str, str]) -> RunFiles | None:
    """None if the run took too long."""
    for made in Maker(seed).flows():
        file = project / f".one/flows/{made['key']}/flow.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(made))
    try:
        words = [*command, "--agent", "flow", "execute", "main", "--allow-bash"]
        subprocess.run(words, cwd=project, env=env, capture_output=True, timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        return None
    (found, *_), _ = discover([project])
    return found


def as_read(files: RunFiles, by: str) -> Read:
    record = read(files)
    began = time.process_time_ns()
    trace: Trace = READERS[by](record).trace
    took = time.process_time_ns() - began
    spans: dict[str, list[tuple[object, ...]]] = {}
    for span in trace.spans:
        spans.setdefault(span.path, []).append((span.status, span.start_ms, span.duration_ms, span.attempts))
    doubtful = {span.path for span in trace.spans if UNSURE & set(span.derived)}
    return Read(
        len(trace.spans),
        sum(not {"iteration", "path"}.isdisjoint(span.derived) for span in trace.spans),
        any(fault.startswith("no reading") for fault in trace.run.partial or ()),
        {path: found for path, found in spans.items() if path not in doubtful},
        took,
    )


def differing(one: Read, other: Read) -> list[str]:
    """Paths of which both are certain, and say something else."""
    both = one.certain.keys() & other.certain.keys()
    return sorted(path for path in both if one.certain[path] != other.certain[path])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.assembler.on_host", description=__doc__)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    totals: dict[str, Counter[str]] = {by: Counter() for by in READERS}
    with tempfile.TemporaryDirectory(prefix="on-host-") as folder:
        command = real_one_in(Path(folder) / "home")
        if command is None:
            print(
                "set ONE_CLI to the path of the real One CLI's program, and have node on PATH",
                file=sys.stderr,
            )
            return 2
        env = {**os.environ, **REAL_ENV, "HOME": f"{folder}/home"}
        for seed in range(asked.first, asked.first + asked.runs):
            project = Path(folder) / str(seed)
            files = run(seed, project, command, env)
            if files is not None:
                found = {by: as_read(files, by) for by in READERS}
                for by, each in found.items():
                    totals[by] += Counter(runs=1, spans=each.spans, marked=each.marked,
                                          no_reading=each.no_reading, ms=each.ns // 1_000_000)  # fmt: skip
                apart = differing(*found.values())
                if apart:
                    print(f"seed {seed}: {len(apart)} paths differ, {apart[0]}", flush=True)
                if asked.keep and (apart or any(each.no_reading for each in found.values())):
                    shutil.copytree(project, asked.keep / str(seed), dirs_exist_ok=True)
            shutil.rmtree(project)
    for by, counts in totals.items():
        print(by, dict(counts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
