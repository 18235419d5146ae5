"""``python -m tests.whatif [FLOWS] [SEED]``: predictions of edits against runs with the edit.

Each random flow runs a few times; then the first edit that `insights` proposes with a prediction is made, and
the flow runs as often again. Says in how many flows the predicted median is within 15 % of the measured one.
It runs One CLI where ``ONE_TRACE_HOST`` or PATH names it, else the built-in runner.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random
from statistics import median
from typing import NamedTuple

from one_trace.analyse.whatif.edits import edited
from one_trace.history import profiles
from one_trace.history.local import LocalHistory
from one_trace.model.wanted import Wanted
from one_trace.store import Store
from tests.whatif.flows import Flows

FLOWS = 50
RUNS = 4
WITHIN = 0.15


class Outcome(NamedTuple):
    rule: str
    before_ms: float
    predicted_ms: float
    measured_ms: float

    @property
    def off(self) -> float:
        return self.predicted_ms / self.measured_ms - 1

    def __str__(self) -> str:
        mark = "" if abs(self.off) <= WITHIN else "  <- off"
        predicted = f"predicted {self.predicted_ms:.0f}, measured {self.measured_ms:.0f} ({self.off:+.0%})"
        return f"{self.rule}: {self.before_ms:.0f} ms, {predicted}{mark}"


def one_flow(folder: Path, random: Random) -> Outcome | None:
    """None if nothing was proposed with a prediction."""
    flow = Flows(random).make()
    before = _run(folder, flow)
    with Store(folder / "data" / "traces.db", readonly=True) as store:
        history = LocalHistory(store)
        plan = history.histories(Wanted("main"))[0].plan
        document = profiles.findings(history, Wanted("main"), since=None, flows=lambda _flow: {"main": flow})
    finding = next((each for each in document.findings if each.prediction is not None), None)
    if finding is None or finding.prediction is None:
        return None
    after = edited({"main": flow}, finding, plan.get(finding.path))
    assert after is not None
    measured = _run(folder, after["main"])
    return Outcome(finding.rule, median(before), finding.prediction.p50_ms, median(measured))


def _run(folder: Path, flow: dict) -> list[float]:
    """The durations of some runs of a flow in ms."""
    file = folder / "project" / ".one" / "flows" / "main" / "flow.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(flow))
    env = dict(os.environ) | {"ONE_TRACES_DATA_DIR": str(folder / "data"), "HOME": str(folder)}
    command = [
        sys.executable,
        "-m",
        "one_trace",
        "--agent",
        "flow",
        "execute",
        "main",
        "--allow-bash",
        "--trace",
    ]
    durations = []
    for _ in range(RUNS):
        done = subprocess.run(command, cwd=folder / "project", env=env, capture_output=True, check=True)
        saved = next(line for line in done.stderr.splitlines() if b"trace:saved" in line)
        durations.append(json.loads(saved)["durationMs"])
    return durations


def main() -> int:
    count, seed = (int(word) for word in (*sys.argv[1:3], *map(str, (FLOWS, 1)))[:2])
    outcomes: list[Outcome] = []
    quiet = 0
    number = seed
    while len(outcomes) < count and number < seed + 10 * count:
        with tempfile.TemporaryDirectory() as folder:
            outcome = one_flow(Path(folder), Random(number))
        number += 1
        if outcome is None:
            quiet += 1
            continue
        outcomes.append(outcome)
        print(f"seed {number - 1}: {outcome}", flush=True)
    near = sum(abs(outcome.off) <= WITHIN for outcome in outcomes)
    print(f"within {WITHIN:.0%}: {near} of {len(outcomes)}; nothing was proposed for {quiet} others")
    return 0 if outcomes and near >= 0.9 * len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
