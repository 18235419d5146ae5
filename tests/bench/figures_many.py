"""Figures over a store of many runs: list, stats, insights, cost, diff, show."""

from __future__ import annotations

import time
from pathlib import Path

from one_trace.store import Store
from tests.bench.history import FLOWS, SPANS, fill, flat_run, one_run, runs
from tests.bench.measure import Bench, Figure, Took, ms

SECONDS = 2.0
"""What an answer over a million spans may take."""

CI_STEPS = 300


def stored(bench: Bench, count: int, flows: int = FLOWS) -> Path:
    """The data folder of a store with that many runs; made once."""
    data = bench.folder(f"runs-{count}-{flows}")
    if not (data / "traces.db").exists():
        fill(data / "traces.db", runs(count, flows=flows))
    return data


def large_runs(bench: Bench) -> Path:
    """The data folder of a store with runs of 20 and of 10,000 spans, and one more of each kind, slower."""
    data = bench.folder("large")
    if not (data / "traces.db").exists():
        made = (one_run(20, run_id="small"), one_run(10_000, run_id="large"))
        fill(data / "traces.db", [*made, one_run(10_000, run_id="larger", slower=1.3)])
    return data


def show_small(bench: Bench) -> Figure:
    data = large_runs(bench)
    took, bare = bench.interleaved(
        bench.command("--agent", "trace", "show", "small", data=data), bench.bare, repeat=11
    )
    return Figure(
        "trace show, 20 spans", took.wall / bare.wall, "x python -c pass", 8, f"{ms(took)} to {ms(bare)}"
    )


def ci(bench: Bench) -> Figure:
    """With everything that it can be asked for, on GitHub."""
    data = bench.folder("ci")
    base, summary = data / "base.json", data / "summary.md"
    if not base.exists():
        fill(data / "traces.db", [flat_run(CI_STEPS, number) for number in range(6)])
        bench.command("trace", "baseline", "flow-00", "-o", str(base), data=data)()
        bench.env |= {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_ACTIONS": "true"}
    argv = ("--agent", "trace", "ci", "last", "--baseline", str(base), "--fail-on", "slower:500%")
    gate = bench.command(*argv, "--junit", str(data / "junit.xml"), data=data)
    took, less = bench.interleaved(
        gate, bench.command("--agent", "trace", "show", "last", data=data), repeat=11
    )
    name = f"trace ci, {CI_STEPS} steps"
    return Figure(name, took.wall / less.wall, "x trace show", 1.5, f"{ms(took)} to {ms(less)}")


def show_large(bench: Bench) -> Figure:
    data = large_runs(bench)
    large, small = (bench.command("--agent", "trace", "show", run, data=data) for run in ("large", "small"))
    took, less = bench.interleaved(large, small, repeat=11)
    return Figure(
        "trace show, 10,000 spans", took.wall / less.wall, "x that of 20", 3, f"{ms(took)} to {ms(less)}"
    )


def diff_large(bench: Bench) -> Figure:
    command = bench.command("--agent", "trace", "diff", "large", "larger", data=large_runs(bench))
    took, bare = bench.interleaved(command, bench.bare)
    return Figure("trace diff, 2 x 10,000 spans", took.wall, "s", 1, against(took, bare))


def against(took: Took, bare: Took) -> str:
    return f"{took.cpu:.2f} s of cpu, {took.cpu / bare.cpu:.0f} x python -c pass"


def list_runs(bench: Bench) -> Figure:
    command = bench.command("--agent", "trace", "list", data=stored(bench, bench.runs))
    took, bare = bench.interleaved(command, bench.bare, repeat=11)
    return Figure(
        f"trace list, {bench.runs:,} runs",
        took.wall / bare.wall,
        "x python -c pass",
        8,
        f"{ms(took)} to {ms(bare)}",
    )


def stats(bench: Bench) -> list[Figure]:
    return over_all(bench, FLOWS, "stats")


def cost(bench: Bench) -> list[Figure]:
    return over_all(bench, FLOWS, "cost")


def insights(bench: Bench) -> list[Figure]:
    """Of one flow to which all the runs belong."""
    return over_all(bench, 1, "insights", "flow-00")


def over_all(bench: Bench, flows: int, *verb: str) -> list[Figure]:
    """Seconds over all runs, and how often they go into those over twice as many: of the processor, less
    start-up.
    """
    once, twice = (
        bench.command("--agent", "trace", *verb, data=stored(bench, count, flows))
        for count in (bench.runs, 2 * bench.runs)
    )
    idle = bench.command("trace", "--help")
    took, more, start, bare = bench.interleaved(once, twice, idle, bench.bare)
    name = f"trace {verb[0]}, {bench.runs * SPANS:,} spans"
    linear = (more.cpu - start.cpu) / (took.cpu - start.cpu)
    return [
        Figure(name, took.wall, "s", SECONDS, against(took, bare)),
        Figure("  twice the data", linear, "x that (cpu)", 2.2, f"{ms(more)} to {ms(took)}"),
    ]


def save(bench: Bench) -> Figure:
    """What storing costs: not a bar, but what all the figures above are paid with."""
    made = list(runs(200))
    path = bench.folder("saving") / "traces.db"
    path.unlink(missing_ok=True)
    begin = time.perf_counter()
    with Store(path) as store:
        for assembly in made:
            store.save(assembly)
    took = (time.perf_counter() - begin) / (200 * SPANS)
    return Figure("saving a span", took * 1e6, "us", None, "100 spans a run, one transaction each")
