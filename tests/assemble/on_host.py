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
from pathlib import Path
from typing import Any

from one_trace.assemble import assemble
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


def counted(files: RunFiles) -> Counter[str]:
    record = read(files)
    began = time.process_time_ns()
    trace = assemble(record).trace
    took = time.process_time_ns() - began
    return Counter(
        runs=1,
        spans=len(trace.spans),
        marked=sum(not MARKS.isdisjoint(span.derived) for span in trace.spans),
        no_reading=any(fault.startswith("no reading") for fault in trace.run.partial or ()),
        ms=took // 1_000_000,
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.assemble.on_host", description=__doc__)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    totals: Counter[str] = Counter()
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
                found = counted(files)
                totals += found
                if found["no_reading"]:
                    print(f"seed {seed}: no reading of {found['spans']} spans", flush=True)
                    if asked.keep:
                        shutil.copytree(project, asked.keep / str(seed), dirs_exist_ok=True)
            shutil.rmtree(project)
    print(dict(totals))
    return 0


if __name__ == "__main__":
    sys.exit(main())
