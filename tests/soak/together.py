"""Many traced runs at once in one folder: each is traced and delivered once."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from tests.machine import Machine
from tests.soak.scene import (
    CASE,
    RUN,
    Options,
    call,
    count_delivered,
    finish,
    noted,
    stage,
    start,
    stored,
)
from tests.soak.tally import Tally
from tests.traces_server import fake_traces_server

RUNS = 32
_FLOW = {
    "key": "k",
    "name": "K",
    "inputs": {},
    "steps": [
        {"id": step, "name": step, "type": "transform", "transform": {"expression": "1 + 1"}}
        for step in ("a", "b", "c")
    ],
}


def play(options: Options, tally: Tally) -> None:
    with stage(CASE) as machine:
        _at_once(machine, options, tally, "fake host")
    program, node = os.environ.get("ONE_CLI"), shutil.which("node")
    if not program or not node:
        tally.notes.append("the real One CLI is left out: ONE_CLI does not name its program")
        return
    with stage() as machine:
        _real(machine, program, node)
        _at_once(machine, options, tally, "One CLI")


def _real(machine: Machine, program: str, node: str) -> None:
    path = Path(program).resolve()
    start = f"{node} {path}" if path.suffix in (".js", ".mjs", ".cjs") else str(path)
    machine.shell_host(f'exec {start} "$@"')
    machine.env |= {"ONE_NO_TELEMETRY": "1", "ONE_NO_AUTO_UPDATE": "1", "ONE_SECRET": "sk_test_dummy"}
    checked = {"lastCheck": 4102444800000, "latestVersion": "0.0.0"}
    machine.write(machine.root / "home" / ".one" / "update-check.json", json.dumps(checked))
    machine.write(machine.project / ".one" / "flows" / "k" / "flow.json", json.dumps(_FLOW))


def _at_once(machine: Machine, options: Options, tally: Tally, host: str) -> None:
    runs = options.times(RUNS)
    plain = call(machine, tally, *RUN[:-1], "--no-trace")
    with fake_traces_server() as traces_server:
        machine.deliver_to(traces_server)
        together = [start(machine, *RUN) for _ in range(runs)]
        ends = [finish(each, tally, f"{host}, run {number}") for number, each in enumerate(together, 1)]
        tally.ran(runs)
        ids = set()
        for number, done in enumerate(ends, 1):
            if done is None or plain is None:
                continue
            if done.code != plain.code or len(done.out.split(b"\n")) != len(plain.out.split(b"\n")):
                tally.add("codes", f"{host}, run {number}: exit {done.code}, {done.err[:200]!r}")
            noted(tally, done, f"{host}, run {number}")
            ids |= {note["runId"] for note in done.notes if note["event"] == "trace:saved"}
        listed = stored(machine, tally)
        if len(ids) != runs or {run["runId"] for run in listed} != ids:
            tally.add("lost", f"{host}: {len(ids)} traced, {len(listed)} stored of {runs}")
        synced = call(machine, tally, "--agent", "trace", "sync")
        if synced is None or synced.code != 0:
            tally.add("other", f"{host}: sync: {synced.out[:200] if synced else None!r}")
        count_delivered(tally, traces_server, stored(machine, tally))
        more = sum(traces_server.batches.values()) - runs
        if more > 0:
            tally.add("doubled", f"{host}: {more} runs were sent by two processes")
