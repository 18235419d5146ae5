"""``python -m tests.whatif [FLOWS] [SEED]``: predictions of edits against runs with the edit.

Each random flow runs a few times; then the first edit that `insights` proposes with a prediction is made, and
the flow runs as often again. Says in how many flows the predicted median is within 15 % of the measured one.
It runs One CLI where ``ONE_TRACE_HOST`` or PATH names it, else the built-in runner.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random
from statistics import median
from typing import NamedTuple

from one_trace.analyse import insights
from one_trace.analyse.findings import Finding
from one_trace.analyse.query import RunFilter
from one_trace.analyse.whatif import Prediction, Replays
from one_trace.analyse.whatif.edits import edited
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


def one_flow(folder: Path, random: Random) -> Outcome | None:
    """None if nothing was proposed with a prediction."""
    flow = Flows(random).make()
    before = _run(folder, flow)
    with Store(folder / "data" / "traces.db", readonly=True) as store:
        history = insights.query.histories(store.connection, RunFilter("main"))[0]
        document = insights.of_store(store, RunFilter("main"), since=None)
        traces = [store.trace(run.run_id) for run in history.runs]
    replays = Replays("main", {"main": flow}, history.plan, traces)
    proposed = [(finding, replays.predict(finding)) for finding in document.findings]
    first = next(((finding, made) for finding, made in proposed if made is not None), None)
    if first is None:
        return None
    finding, prediction = first
    after = edited({"main": copy.deepcopy(flow)}, finding, history.plan.get(finding.path))
    assert after is not None
    measured = _run(folder, after["main"])
    return Outcome(finding.rule, median(before), prediction.p50_ms, median(measured))


def _run(folder: Path, flow: dict) -> list[float]:
    """The durations of some runs of a flow in ms."""
    file = folder / "project" / ".one" / "flows" / "main" / "flow.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(flow))
    env = dict(os.environ) | {"ONE_TRACES_DATA_DIR": str(folder / "data"), "HOME": str(folder)}
    command = [sys.executable, "-m", "one_trace", "--agent", "flow", "execute", "main", "--allow-bash", "--trace"]
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
        mark = "" if abs(outcome.off) <= WITHIN else "  <- off"
        print(
            f"seed {number - 1}: {outcome.rule}: {outcome.before_ms:.0f} ms, predicted {outcome.predicted_ms:.0f},"
            f" measured {outcome.measured_ms:.0f} ({outcome.off:+.0%}){mark}",
            flush=True,
        )
    near = sum(abs(outcome.off) <= WITHIN for outcome in outcomes)
    print(f"within {WITHIN:.0%}: {near} of {len(outcomes)}; nothing was proposed for {quiet} others")
    return 0 if outcomes and near >= 0.9 * len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
