"""A replay of random runs takes exactly as long as they did: it is the same engine."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from one_trace.analyse.whatif import past
from one_trace.analyse.whatif.replay import Replay, Unpredictable
from one_trace.assemble import assemble
from one_trace.record.reading import read
from tests.assemble.generated import Maker
from tests.effort import effort
from tests.truth import run_for_truth

pytestmark = pytest.mark.program


def test_a_replay_takes_as_long_as_the_run(tmp_path: Path) -> None:
    exact, off = 0, []
    for seed in range(effort(30, 300)):
        made = Maker(Random(seed), problem=bool(seed % 2), wide=bool(seed % 4 > 1)).make()
        folder = tmp_path / str(seed)
        files, _ = run_for_truth(folder, made.flows, "main", behaviour=made.behaviour)
        found = assemble(read(files))
        did = past.executions(found.trace)
        if found.trace.run.status != "success" or len(did) < len(found.trace.spans):
            continue  # an id that stands twice in one place: the host refuses such a flow
        written = [json.loads(file.read_text()) for file in folder.glob(".one/flows/*/flow.json")]
        waits = {(step.flow_key, step.path.rpartition(" > ")[2]) for step in found.plan}
        flows = {flow["key"]: flow for flow in written}
        try:
            replayed = Replay(flows, did, past.usual([did]), waits).run(found.trace.run.flow_key)
        except Unpredictable:
            continue
        if (replayed.duration_ms, replayed.failed) == (found.trace.run.duration_ms, False):
            exact += 1
        else:
            off.append(seed)
    assert exact > 10 * len(off), off
