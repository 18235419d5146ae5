"""A temporary machine for a part of the soak, and ways to run programs that cannot hang it."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.machine import Done, Machine
from tests.soak.tally import Tally
from tests.traces_server import FakeTracesServer

PATIENCE_S = 90.0
"""A program that takes longer hangs, even on a busy machine."""
CASE = "22-skips"
RUN = ("--agent", "flow", "execute", "k", "--trace")
_IDS = re.compile(rb"[0-9a-f]{12}")


@dataclass
class Options:
    seed: int
    scale: float
    workers: int

    def times(self, count: int) -> int:
        """`count`, scaled."""
        return max(1, round(count * self.scale))

    def rng(self, *names: object) -> random.Random:
        """A random source that depends only on the seed and these names."""
        return random.Random(f"{self.seed}/{'/'.join(map(str, names))}")


FORKING = threading.Lock()
"""Held while a program file is written and while a program is started. Otherwise a child forked in between
keeps the file open for writing, and starting it fails with "text file busy"."""


@contextmanager
def stage(case: str | None = None) -> Iterator[Machine]:
    """A machine, with a host that leaves the record of `case` if one is given."""
    root = Path(tempfile.mkdtemp(prefix="one-trace-soak-"))
    try:
        (root / "machine").mkdir()
        with FORKING:
            machine = Machine(root / "machine")
            if case is not None:
                machine.player(case)
        yield machine
    finally:
        shutil.rmtree(root, ignore_errors=True)


def start(machine: Machine, *argv: str, **options: object) -> subprocess.Popen[bytes]:
    with FORKING:
        return machine.start(*argv, start_new_session=True, **options)


def system(*argv: str, check: bool = True) -> None:
    """Run a system program."""
    with FORKING:
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if process.wait(timeout=60) and check:
        raise OSError(f"{argv[0]} ended with {process.returncode}")


def call(machine: Machine, tally: Tally, *argv: str, **options: object) -> Done | None:
    """Run our program and count hangs and tracebacks. None: it hung."""
    return finish(start(machine, *argv, **options), tally, " ".join(argv))


def finish(process: subprocess.Popen[bytes], tally: Tally, what: str) -> Done | None:
    try:
        out, err = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        tally.add("hangs", what)
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=10)
        return None
    done = Done(process.returncode, out or b"", err or b"")
    if has_traceback(done):
        tally.add("tracebacks", f"{what}: {done.err.strip().splitlines()[-1:]!r}")
    return done


def has_traceback(done: Done) -> bool:
    return b"Traceback (most recent call last)" in done.err + done.out


def children(pid: int) -> list[int]:
    """The child processes of a process (Linux)."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def same_output(one: bytes, other: bytes) -> bool:
    """Equal except for run ids?"""
    return _IDS.sub(b"-", one) == _IDS.sub(b"-", other)


def document(done: Done) -> dict | None:
    """The one JSON document on stdout; None if it is not one."""
    try:
        found = json.loads(done.out)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def stored(machine: Machine, tally: Tally) -> list[dict]:
    """The runs that `trace list` prints."""
    listed = call(machine, tally, "--agent", "trace", "list", "--full")
    found = document(listed) if listed is not None else None
    if found is None or "runs" not in found:
        tally.add("other", f"trace list: {listed}")
        return []
    return list(found["runs"])


def count_delivered(tally: Tally, traces_server: FakeTracesServer, runs: Sequence[dict]) -> None:
    """Check that the server has each run once and complete, and nothing else."""
    there = {trace.replace("-", "") for trace in traces_server.traces}
    for run in runs:
        states = {upload["state"] for upload in run.get("uploads", [])}
        if run["traceId"] not in there or states != {"sent"}:
            tally.add("lost", f"run {run['runId']} is not delivered: {states or 'never queued'}")
    for trace in there - {run["traceId"] for run in runs}:
        tally.add("doubled", f"the server has a trace {trace} that the store does not know")
    for trace in traces_server.messages:
        orders = [message["order"] for message in traces_server.in_order(trace)]
        if orders != list(range(1, len(orders) + 1)):
            tally.add("doubled", f"messages of {trace} are not each there once")


def noted(tally: Tally, done: Done, what: str) -> None:
    """Count the problems that a run reported with its trace."""
    for line in done.err.split(b"\n"):
        if b'"trace:trouble"' in line:
            tally.add("other", f"{what}: {line.decode('utf-8', 'replace')[:300]}")
