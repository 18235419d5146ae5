"""Figures over a store of 10^7 spans: no command but those over all runs takes longer than a second, and
prune never holds the lock for long. ``--spans`` makes it smaller.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from statistics import median
from threading import Event, Thread

from one_trace.store import Store
from one_trace.store import prune as pruning
from tests.bench.history import EVERY_MS, SPANS, fill, one_run, runs
from tests.bench.measure import Bench, Figure

LAST = "4242ad420000"
_COMMANDS: tuple[tuple[str, ...], ...] = (
    ("show", "last"),
    ("show", LAST, "--events"),
    ("list",),
    ("list", "--flow", "flow-03", "--status", "error"),
    ("stats", "flow-03"),
    ("insights", "flow-03"),
    ("cost", "flow-03"),
    ("diff", "flow-00@last", "flow-00@prev"),
    ("export", "last", "--format", "json"),
    ("sync",),
    ("prune", "--older-than", "365d", "--dry-run"),
)


def _data(bench: Bench) -> Path:
    data = bench.folder(f"store-{bench.spans}")
    if not (data / "traces.db").exists():
        fill(data / "traces.db", [*runs(bench.spans // SPANS), one_run(100, run_id=LAST)])
    return data


def commands(bench: Bench) -> list[Figure]:
    """Seconds of the slowest command that is not over all runs, each the median of five; and of `doctor`,
    which reads the last runs."""
    data = _data(bench)
    took: list[tuple[float, str]] = []
    for words in _COMMANDS:
        call = bench.command("--agent", "trace", *words, data=data)
        call()
        took.append((median(call().wall for _ in range(5)), " ".join(words)))
    took.sort(reverse=True)
    detail = "; ".join(f"{words}: {seconds:.2f} s" for seconds, words in took[:4])
    doctor = bench.command("--agent", "trace", "doctor", "--offline", data=data)().wall
    return [
        Figure(f"slowest command, {bench.spans:,} spans", took[0][0], "s", 1, detail),
        Figure("  doctor", doctor, "s", 1, "the last runs are checked"),
    ]


def prune(bench: Bench) -> Figure:
    """The longest that another process waits for the lock while a tenth of the runs is deleted."""
    path = _data(bench) / "traces.db"
    with closing(sqlite3.connect(path)) as raw:
        first, last = raw.execute("SELECT min(started_ms), max(started_ms) FROM runs").fetchone()
    waits: list[float] = []
    over = Event()
    waiting = Thread(target=_take_turns, args=[path, over, waits])
    with Store(path) as store:
        waiting.start()
        begin = time.perf_counter()
        pruned = pruning.prune(store.connection, first + (last - first + EVERY_MS) // 10)
        took = time.perf_counter() - begin
        over.set()
        waiting.join()
    detail = f"{pruned.deleted:,} runs in {took:.1f} s, {len(waits)} turns of another writer meanwhile"
    return Figure("prune, longest wait for the lock", max(waits) * 1000, "ms", 200, detail)


def _take_turns(path: Path, over: Event, waits: list[float]) -> None:
    """Take the lock again and again, and note how long that took."""
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as raw:
        while not over.is_set():
            begin = time.perf_counter()
            raw.execute("BEGIN IMMEDIATE")
            waits.append(time.perf_counter() - begin)
            raw.execute("ROLLBACK")
            over.wait(0.002)
