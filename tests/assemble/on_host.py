"""Random flows that the real One CLI runs, and what is found of them: ``python -m tests.assemble.on_host``.

``ONE_CLI`` names its program. ``--first 0 --runs 100`` are the seeds; ``--keep FOLDER`` keeps the projects of
which no reading is found. The flows run many at a time, wait for random times, fail, are retried and are
timed out: what real timers do, no virtual clock does. What happened is not known: it is counted how often no
reading is found, and of how many spans it is not certain which they are (`marked`).
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
from typing import Any

from one_trace.assemble import assemble
from one_trace.model.trace import Trace
from one_trace.record.files import RunFiles, discover
from one_trace.record.reading import read
from tests.machine import REAL_ENV, real_one_in
from tests.runner import random_flows
from tests.runner.flows import CONTINUE, code, transform

MARKS = {"iteration", "path"}
Step = dict[str, Any]
LONGEST_S = 60


class Maker(random_flows.Maker):
    """Flows that wait for timers as well, fail, are retried and are timed out."""

    KINDS = ("leaf", "loop", "loop", "parallel", "parallel", "condition", "while", "flow")

    def handling(self) -> Step:
        pick = self.random
        delay = pick.choice([0, 5, 20])
        retried = {"strategy": "retry", "retries": pick.randint(1, 2), "retryDelayMs": delay}
        timed = {"onError": CONTINUE, "timeoutMs": pick.choice([5, 12, 30, 60])}
        some = pick.choice([{}, {}, {"onError": CONTINUE}, timed, {"onError": retried}])
        return some if pick.random() < 0.5 else {}

    def leaf(self) -> Step:
        pick, step_id, more = self.random, self.step_id(), self.handling()
        more = more or ({"if": "false"} if pick.random() < 0.05 else {})
        if pick.random() < 0.3:
            return transform(step_id, **more)
        ms, spread = pick.choice([0, 1, 3, 8, 20, 40]), pick.choice([0, 5, 30])
        throws = "onError" in more or pick.random() < 0.08
        failure = "if (Math.random() < 0.4) throw new Error('no'); " if throws else ""
        wait = f"await new Promise((done) => setTimeout(done, {ms} + Math.random() * {spread})); "
        return code(step_id, f"{wait}{failure}return 1", **more)


def run(made: list[Step], project: Path, command: list[str], env: dict[str, str]) -> RunFiles | None:
    """None if the run took too long. What it writes to stderr is in the project's file `words`."""
    for each in made:
        file = project / f".one/flows/{each['key']}/flow.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(each))
    argv = [*command, "--agent", "flow", "execute", "main", "--allow-bash"]
    with (project / "words").open("w") as words:
        try:
            subprocess.run(
                argv, cwd=project, env=env, stdout=subprocess.DEVNULL, stderr=words, timeout=LONGEST_S
            )
        except subprocess.TimeoutExpired:
            return None
    (found, *_), _ = discover([project])
    return found


def counted(seed: int, project: Path, files: RunFiles) -> Counter[str]:
    record = read(files)
    began = time.process_time_ns()
    trace: Trace = assemble(record).trace
    took = time.process_time_ns() - began
    unread = has_no_reading(trace)
    if unread:
        print(f"seed {seed}: no reading of {len(trace.spans)} spans", flush=True)
    marked = sum(not MARKS.isdisjoint(span.derived) for span in trace.spans)
    return Counter({"runs": 1, "spans": len(trace.spans), "marked": marked, "no reading": unread,
                    "ms": took // 1_000_000})  # fmt: skip


def has_no_reading(trace: Trace) -> bool:
    return any(fault.startswith("no reading") for fault in trace.run.partial or ())


def each_seed(
    prog: str,
    about: str | None,
    flows: Callable[[int], list[Step]],
    counts: Callable[[int, Path, RunFiles], Counter[str]],
    is_kept: Callable[[Counter[str]], bool],
) -> int:
    """Runs the flows of each seed that is asked for, and prints what is counted of all; the exit code."""
    parser = argparse.ArgumentParser(prog=f"python -m {prog}", description=about)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    total: Counter[str] = Counter()
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
            files = run(flows(seed), project, command, env)
            if files is not None:
                found = counts(seed, project, files)
                total += found
                if asked.keep and is_kept(found):
                    shutil.copytree(project, asked.keep / str(seed), dirs_exist_ok=True)
            shutil.rmtree(project)
    for name, count in total.items():
        print(f"{name:>16} {count:,}")
    return 0


def main() -> int:
    flows = lambda seed: Maker(seed).flows()  # noqa: E731
    return each_seed("tests.assemble.on_host", __doc__, flows, counted, lambda found: found["no reading"] > 0)


if __name__ == "__main__":
    sys.exit(main())
