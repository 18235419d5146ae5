"""SIGKILL of ours and of the host, at any moment of run, save and delivery: then import, sync, and count."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.machine import Machine
from tests.soak.scene import (
    RUN,
    Options,
    call,
    children,
    count_delivered,
    finish,
    stage,
    start,
    stored,
)
from tests.soak.tally import Tally
from tests.traces_server import FakeTracesServer, Handler, fake_traces_server

KILLS = 1000
TOGETHER = 6
_LONGEST_S = 480.0
"""All kills together may take as long at scale 1: a slow machine does fewer, and says so."""
_ORPHANS_S = 3.0
"""A host whose watcher was killed goes on to its end."""
STEPS = ("a", "b", "c")
STEP_S = 0.04
_HOST = Path(__file__).with_name("slow_one.py")
NO_RECORD = "SIGKILL before the host had written a record: there is nothing to trace"
UNREADABLE = "SIGKILL while the host wrote the first byte of its record: what is there says nothing"


@dataclass
class Victim:
    process: subprocess.Popen[bytes]
    what: str
    host: bool
    after: float
    killed: bool = False

    def kill(self) -> None:
        """End it, or its host; not killed where that has ended already."""
        if self.process.poll() is not None:
            return
        if not self.host:
            self.process.kill()
            self.killed = True
            return
        for pid in children(self.process.pid):
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                self.killed = True


def play(options: Options, tally: Tally) -> None:
    rng, target = options.rng("kills"), options.times(KILLS)
    with fake_traces_server() as traces_server, stage() as machine:
        prepare(machine)
        machine.deliver_to(traces_server, flush_s=3)
        traces_server.fault = _slowly(options)
        kills = runs = 0
        until = time.monotonic() + max(30.0, _LONGEST_S * options.scale)
        while kills < target and time.monotonic() < until:
            victims, runs = _round(machine, rng, runs)
            kills += _end(victims, tally)
        if kills < target:
            tally.notes.append(f"{kills} kills of {target}: there was no time for more")
        else:
            tally.notes.append(f"{kills} kills, {runs} runs begun")
        tally.ran(runs)
        time.sleep(_ORPHANS_S)
        traces_server.fault = None
        _count(machine, traces_server, runs, tally)


def prepare(machine: Machine) -> None:
    """A flow of three steps, and the host that runs it."""
    steps = ", ".join(
        f'{{"id": "{step}", "name": "{step.upper()}", "type": "code", "code": {{"source": "return 1"}}}}'
        for step in STEPS
    )
    flow = f'{{"key": "k", "name": "K", "inputs": {{}}, "steps": [{steps}]}}'
    machine.write(machine.project / ".one" / "flows" / "k" / "flow.json", flow)
    (machine.project / ".soak").mkdir()
    machine.host(f"STEPS, STEP_S = {STEPS!r}, {STEP_S}\n" + _HOST.read_text())


def _slowly(options: Options):
    """A server that takes a moment, so that kills meet with deliveries."""
    rng = options.rng("kills", "server")

    def fault(request: Handler) -> bool:
        time.sleep(rng.uniform(0, 0.04))
        return False

    return fault


def _round(machine: Machine, rng: random.Random, runs: int) -> tuple[list[Victim], int]:
    victims = []
    for _ in range(TOGETHER):
        dice, after = rng.random(), rng.uniform(0.02, 0.9)
        if dice < 0.85:
            runs += 1
            process = start(machine, *RUN, env={"SOAK_RUN": str(runs)})
            victims.append(Victim(process, f"run {runs}", dice < 0.3, after))
        else:
            verb = ["sync"] if dice < 0.95 else ["import"]
            process = start(machine, "--agent", "trace", *verb)
            victims.append(Victim(process, f"trace {verb[0]}", False, after))
    return victims, runs


def _end(victims: list[Victim], tally: Tally) -> int:
    begun = time.monotonic()
    for victim in sorted(victims, key=lambda each: each.after):
        time.sleep(max(0.0, begun + victim.after - time.monotonic()))
        victim.kill()
    for victim in victims:
        done = finish(victim.process, tally, victim.what)
        if done is None:
            continue
        if victim.killed and victim.host and b'"code":"run-not-started"' in done.err:
            tally.explained["SIGKILL of the host before it had left a record: one line says so"] += 1
        elif victim.killed and victim.host and b'"code":"run-ambiguous"' in done.err:
            tally.explained[
                "SIGKILL of several hosts in the first byte of their records: one line says so"
            ] += 1
        elif b"trace:trouble" in done.err:
            tally.add("other", f"{victim.what}: {done.err[:300]!r}")
        if victim.killed and not victim.host and done.code == 0 and b'"trace:saved"' in done.err:
            # It had said all there is to say, and was ending: its exit code was there already.
            tally.explained["SIGKILL of ours while it was ending, its run kept and its exit code set"] += 1
            continue
        allowed = {0} if not victim.killed else {-9, 0} if victim.host else {-9}
        if victim.what.startswith("run") and done.code not in allowed:
            killed = "killed" if victim.killed else "not killed"
            tally.add("codes", f"{victim.what}, {killed}: {done.code}: {done.err[:200]!r}")
    return sum(victim.killed for victim in victims)


def _count(machine: Machine, traces_server: FakeTracesServer, runs: int, tally: Tally) -> None:
    imported = call(machine, tally, "--agent", "trace", "import")
    if imported is not None and imported.code not in (0, 1):
        tally.add("other", f"trace import: {imported.code}")
    synced = call(machine, tally, "--agent", "trace", "sync", "--since", "9999d")
    if synced is None or synced.code != 0:
        tally.add("other", f"trace sync: {synced.out[:300] if synced else 'hangs'!r}")
    listed = stored(machine, tally)
    ids = [run["runId"] for run in listed]
    for run_id in {each for each in ids if ids.count(each) > 1}:
        tally.add("doubled", f"run {run_id} is in the store {ids.count(run_id)} times")
    for number in range(1, runs + 1):
        _find(machine, number, set(ids), tally)
    count_delivered(tally, traces_server, listed)
    _whole(machine, tally)


def _find(machine: Machine, number: int, known: set[str], tally: Tally) -> None:
    """Whether a run that was begun is in the store, or why not."""
    mark = machine.project / ".soak" / str(number)
    run_id = mark.read_text() if mark.exists() else ""
    record = [path for path in (machine.project / ".one" / "flows").glob(f".*/k-{run_id}.*") if run_id]
    if run_id in known:
        return
    if not record:
        tally.explain(NO_RECORD)
    elif all(path.stat().st_size == 0 for path in record):
        tally.explain(UNREADABLE)
    else:
        tally.add("lost", f"run {number} ({run_id}) is not in the store")


def _whole(machine: Machine, tally: Tally) -> None:
    with closing(sqlite3.connect(machine.data / "traces.db")) as connection:
        (message,) = connection.execute("PRAGMA integrity_check").fetchone()
    if message != "ok":
        tally.add("other", f"the store is damaged: {message}")
    for path in machine.data.iterdir():
        if "draft" in path.name:
            tally.add("other", f"a draft is left: {path.name}")
