"""Figures over a store of 10^7 spans: no command but those over all runs takes longer than a second, and
prune never holds the lock for long. ``--spans`` makes it smaller.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from statistics import median
from threading import Event, Thread

from one_trace.store import Store
from one_trace.store import prune as pruning
from tests.bench.figures_traced import added
from tests.bench.history import EVERY_MS, SPANS, fill, one_run, runs
from tests.bench.measure import Bench, Figure, Took
from tests.bench.records import write_past_runs

LAST = "4242ad420000"
_COMMANDS: tuple[tuple[str, ...], ...] = (
    ("show", "last"),
    ("show", LAST, "--events"),
    ("show", "flow-03@failed"),
    ("list",),
    ("list", "--flow", "flow-03", "--status", "error"),
    ("list", "--status", "incomplete"),
    ("list", "--sort", "duration"),
    ("list", "--since", "7d"),
    ("list", "--tag", "a=b"),
    ("stats", "flow-03"),
    ("stats", "flow-03", "--by", "version"),
    ("insights", "flow-03"),
    ("cost", "flow-03"),
    ("cost", "--since", "7d"),
    ("baseline", "flow-03"),
    ("ci", "last"),
    ("tag", "last", "a=b"),
    ("diff", "flow-00@last", "flow-00@prev"),
    ("export", "last", "--format", "json"),
    ("sync",),
    ("prune", "--older-than", "365d", "--dry-run"),
    ("doctor", "--offline"),
)


def made(bench: Bench) -> Path:
    """The data folder of a store with that many spans, made once."""
    data = bench.folder(f"store-{bench.spans}")
    if not (data / "traces.db").exists():
        fill(data / "traces.db", [*runs(bench.spans // SPANS), one_run(100, run_id=LAST)])
    return data


def commands(bench: Bench) -> list[Figure]:
    """Seconds of the slowest command that is not over all runs, each the median of five; of `doctor`, which
    reads the last runs; and the tail of a traced run."""
    took = sorted(each_command(bench), reverse=True)
    detail = "; ".join(f"{words}: {each.wall:.2f} s" for each, words in took[:4])
    return [Figure(f"slowest command, {bench.spans:,} spans", took[0][0].wall, "s", 1, detail), tail(bench)]


def each_command(bench: Bench) -> Iterator[tuple[Took, str]]:
    """What each command takes that is not over all runs: the median of five, after a first one."""
    data = made(bench)
    for words in _COMMANDS:
        call = bench.command("--agent", "trace", *words, data=data)
        (took,) = bench.interleaved(call, repeat=5, choose=median)
        yield took, " ".join(words)
    env = bench.env | {"_ONE_TRACE_COMPLETE": "1", "ONE_TRACES_DATA_DIR": str(data)}
    for words in ((bench.one, "flow", "execute", ""), (bench.one, "trace", "show", "")):
        (took,) = bench.interleaved(partial(bench.time, words, env), repeat=5, choose=median)
        yield took, f"TAB {' '.join(words[1:])}"


def over_all_runs(bench: Bench) -> Iterator[tuple[Took, str]]:
    """The same of those over all runs, measured once; `cost` keeps the sums of each day, so twice."""
    for verb, name in (
        ("stats", "stats"),
        ("cost", "cost, the first time"),
        ("cost", "cost, from then on"),
        ("insights", "insights"),
    ):
        yield bench.command("--agent", "trace", verb, data=made(bench))(), name


def tail(bench: Bench) -> Figure:
    """The tail of a traced run whose store is that large, by that with a small one."""
    env = {"ONE_TRACES_DATA_DIR": str(made(bench)), "ONE_TRACES_RETENTION": "forever"}
    large, _ = added(bench, "large-store", lambda record: write_past_runs(record, 1), env=env)
    small, _ = added(bench, "small-store", lambda record: write_past_runs(record, 1))
    detail = f"{large.tail * 1000:.0f} ms to {small.tail * 1000:.0f} ms"
    return Figure("  tail of a traced run", large.tail / small.tail, "x small store", 1.2, detail)


def prune(bench: Bench) -> Figure:
    """The longest that another process waits for the lock while a tenth of the runs is deleted."""
    path = made(bench) / "traces.db"
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
