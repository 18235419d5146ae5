"""A clock that is set back: recorded runs with settings in their logs through the whole program, and the
program itself under a clock that jumps."""

from __future__ import annotations

import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.assemble.clocks import rows, set_clock, written
from tests.assemble.recorded import cases, lay_out
from tests.machine import Machine
from tests.soak.kills import prepare
from tests.soak.scene import (
    CASE,
    FORKING,
    RUN,
    Options,
    call,
    count_delivered,
    document,
    stage,
    start,
    stored,
)
from tests.soak.tally import Tally
from tests.traces_server import fake_traces_server

SETTINGS = 60
LIVE = 6
_SMALL = 60_000
_BACK = (-1000, -3000, -60_000, -3_600_000, -86_400_000, -315_360_000_000)
_FORWARD = (3000, 3_600_000)
_LIBRARIES = ("/usr/lib", "/usr/local/lib", "/opt/homebrew/lib")
_SIGNED = ("insertions", "change", "changeMs", "delta", "deltaMs", "slope")
"""Figures that may be negative: those that compare."""


def play(options: Options, tally: Tally) -> None:
    jobs = [(number, options.rng("clocks", number)) for number in range(options.times(SETTINGS))]
    tally.notes.append(f"{len(jobs)} recorded runs with settings in their logs")
    with ThreadPoolExecutor(options.workers) as pool:
        for each in [pool.submit(_recorded, rng, tally) for _, rng in jobs]:
            each.result()
    library = _libfaketime()
    if library is None:
        tally.notes.append("libfaketime is not there: no program is run under another clock")
        return
    tally.notes.append(f"programs under another clock by {library.name}")
    for number in range(options.times(LIVE)):
        _jumping(library, options.rng("clocks", "live", number), tally)
    _from_the_future(library, tally)


def _libfaketime() -> Path | None:
    found = (path for root in _LIBRARIES for path in Path(root).glob("**/libfaketime.so*"))
    return next(found, None)


def _recorded(rng: random.Random, tally: Tally) -> None:
    with stage() as machine:
        case = rng.choice(cases())
        runs = [run for run in lay_out(case, machine.project) if run.log is not None]
        what, back = case, False
        for run in runs:
            log = run.log.read_bytes()
            if len(log) > _SMALL:
                continue
            lines = rows(log)
            at, by = rng.randrange(1, len(lines)), rng.choice(_BACK + _FORWARD)
            stamps, durations = rng.random() < 0.8, rng.random() < 0.5
            run.log.write_bytes(written(set_clock(lines, at, by, stamps=stamps, durations=durations)))
            what, back = f"{case}, line {at}, by {by} ms", back or by < 0
            tally.ran()
        imported = call(machine, tally, "--agent", "trace", "import")
        if imported is None or imported.code != 0:
            tally.add("other", f"{what}: import: {imported.out[:300] if imported else None!r}")
        _look(machine, what, [run.run_id for run in runs], tally)


def _look(machine: Machine, what: str, ids: list[str], tally: Tally) -> None:
    """No answer about these runs has a time that goes back."""
    questions = [["stats"], ["list"], ["cost"]]
    for run_id in ids:
        questions += [["show", run_id], ["show", run_id, "--slow", "5"]]
        questions += [["export", run_id, "--format", form] for form in ("json", "otlp", "perfetto")]
    for argv in questions:
        done = call(machine, tally, "--agent", "trace", *argv)
        found = document(done) if done is not None else None
        if done is None or found is None or done.code != 0:
            tally.add("other", f"{what}: {' '.join(argv)}: {done.out[:200] if done else None!r}")
            continue
        below = [(name, value) for name, value in _numbers(found) if value < 0 and name not in _SIGNED]
        if below:
            tally.add("other", f"{what}: {' '.join(argv)} has {below[:3]}")
        if argv[-1] == "json":
            _forward(what, found, tally)
        elif argv[-1] == "otlp":
            _spans_end(what, found, tally)


def _numbers(value: Any, name: str = "") -> list[tuple[str, float]]:
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in _numbers(inner, key)]
    if isinstance(value, list):
        return [found for inner in value for found in _numbers(inner, name)]
    return [(name, value)] if isinstance(value, int | float) and not isinstance(value, bool) else []


def _forward(what: str, trace: dict[str, Any], tally: Tally) -> None:
    """Parents stand before their children and start no later."""
    began: dict[str, float] = {}
    for span in trace["spans"]:
        parent = span["parentSpanId"]
        if parent is not None and (parent not in began or began[parent] > span["startMs"]):
            tally.add("other", f"{what}: {span['path']} stands or starts before its parent")
        began[span["spanId"]] = span["startMs"]


def _spans_end(what: str, document: dict[str, Any], tally: Tally) -> None:
    for of_resource in document["resourceSpans"]:
        for span in of_resource["scopeSpans"][0]["spans"]:
            if int(span["endTimeUnixNano"]) < int(span["startTimeUnixNano"]):
                tally.add("other", f"{what}: the OTLP span {span['name']} ends before it starts")


def _jumping(library: Path, rng: random.Random, tally: Tally) -> None:
    """A run of a host whose clock is set back while it runs, ours as well."""
    with stage() as machine:
        with FORKING:
            prepare(machine)
        clock = machine.root / "clock"
        clock.write_text("+0")
        process = start(machine, *RUN, env=_under(library, clock))
        by, after = rng.choice((3, 60, 3600)), rng.uniform(0.05, 0.5)
        timer = threading.Timer(after, _set, [clock, f"-{by}"])
        timer.start()
        out, err = process.communicate(timeout=90)
        timer.cancel()
        tally.ran()
        what = f"clock set back by {by} s after {after:.2f} s"
        if process.returncode != 0 or b"flow:complete" not in out:
            tally.add("codes", f"{what}: exit {process.returncode}: {err[-300:]!r}")
        if b'"trace:saved"' not in err:
            tally.add("lost", f"{what}: {err[:300]!r}")
            call(machine, tally, "--agent", "trace", "import")
        _look(machine, what, [run["runId"] for run in stored(machine, tally)], tally)


def _set(clock: Path, to: str) -> None:
    """At one stroke: whoever reads an empty file is ended by libfaketime."""
    draft = clock.with_suffix(".draft")
    draft.write_text(to)
    draft.replace(clock)


def _under(library: Path, clock: Path) -> dict[str, str]:
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def _from_the_future(library: Path, tally: Tally) -> None:
    """What a clock a year ahead has left in the outbox is delivered by one that is right."""
    with stage(CASE) as machine, fake_traces_server() as traces_server:
        machine.deliver_to(traces_server, flush_s=3)
        clock = machine.root / "clock"
        clock.write_text("+365d")
        closed = {"ONE_TRACES_ENDPOINT": "http://127.0.0.1:9", "ONE_TRACES_FLUSH_TIMEOUT": "0.3"}
        call(machine, tally, *RUN, env=_under(library, clock) | closed)
        call(machine, tally, *RUN)
        tally.ran(2)
        until = time.monotonic() + 10
        while len(traces_server.traces) < 2 and time.monotonic() < until:
            call(machine, tally, *RUN)
            tally.ran()
        if len(traces_server.traces) < 2:
            tally.add("lost", "what was queued a year ahead is not delivered by later runs")
        synced = call(machine, tally, "--agent", "trace", "sync")
        if synced is None or synced.code != 0:
            tally.add("other", f"sync: {json.dumps(synced and document(synced))[:300]}")
        count_delivered(tally, traces_server, stored(machine, tally))
