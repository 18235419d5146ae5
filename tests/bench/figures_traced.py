"""Figures of a traced run: what tracing adds before the host starts, after it has ended, and in all."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.bench.figures_runner import transforms, write_flow
from tests.bench.measure import Bench, Figure, Took
from tests.bench.records import write_loop, write_past_runs
from tests.machine import REAL_ENV, real_one_in

PAST = 10_000
REPEAT = 30
_HOST = Path(__file__).with_name("quiet_host.py")
ARGV = ["--agent", "flow", "execute", "f"]


LASTS, MANY_LAST = 9, 20
"""How many times `python -c pass` One CLI takes for a flow of one step, and of 300 transforms: more on a busy
machine, as that does, too."""


class Added(NamedTuple):
    """What tracing adds to one run. `head`, `tail`: seconds; `cpu`: seconds of the processor; `whole`: the
    run's seconds by those of the bare host's."""

    head: float
    tail: float
    cpu: float
    whole: float


def traced(bench: Bench) -> list[Figure]:
    """All of them by `python -c pass`, medians of runs in turn with it."""
    one, bare = added(bench, "one-step", lambda record: write_past_runs(record, 1))
    many, _ = added(bench, "300-steps", lambda record: write_loop(record, 150), lasts=MANY_LAST)
    large, _ = added(bench, "2000-spans", lambda record: write_loop(record, 2_000), lasts=2 * MANY_LAST)
    past, _ = added(bench, "past", lambda record: write_past_runs(record, 1), past=PAST)
    unit = "x python -c pass"

    def figure(name: str, value: float, goal: float, bare: float = bare.wall) -> Figure:
        return Figure(name, value / bare, unit, goal, f"{value * 1000:.0f} ms to {bare * 1000:.0f} ms")

    return [
        figure("traced run, head", one.head, 2.3),
        figure("traced run, tail", one.tail, 1.3),
        figure("  tail, 300 steps", many.tail, 2.5),
        figure("  tail, 2,000 spans", large.tail, 6),
        figure("  cpu, one step", one.cpu, 8, bare.cpu),
        Figure("  wall, one step", one.whole, "x bare host", 1.3, f"a host that sleeps {LASTS} of these"),
        Figure("  wall, 300 steps", many.whole, "x bare host", 1.05, f"sleeps {MANY_LAST} of these"),
        *beside_one_cli(bench),
        Figure(f"  tail, {PAST:,} past runs", past.tail / one.tail, "x that with none", 1.2, ""),
    ]


def beside_one_cli(bench: Bench) -> list[Figure]:
    """Traced runs by bare ones of the One CLI that ONE_CLI names, which needs the processor, too."""
    host = real_one_in(bench.root / "home")
    if host is None:
        return []
    project, data = bench.folder("real"), bench.folder("real-data")
    one = bench.folder("real-host") / "one"
    bench.executable(one, f'#!/bin/sh\nexec {" ".join(host)} "$@"\n')
    env = bench.env | REAL_ENV | {"ONE_TRACES_DATA_DIR": str(data), "ONE_TRACE_HOST": str(one)}
    env |= {"ONE_TRACES_ENABLED": "true"}
    figures = []
    for steps, goal in ((1, 1.3), (300, 1.05)):
        key = f"transforms-{steps}"
        write_flow(project, key, transforms(steps))
        argv = ["--agent", "flow", "execute", key]
        took, bare = bench.interleaved(
            lambda argv=argv: bench.time([bench.one, *argv], env, project),
            lambda argv=argv: bench.time([str(one), *argv], env, project),
            repeat=REPEAT,
            choose=median,
        )
        detail = f"{took.wall * 1000:.0f} ms to {bare.wall * 1000:.0f} ms"
        figures.append(Figure(f"  wall, {steps}, One CLI", took.wall / bare.wall, "x One CLI", goal, detail))
    return figures


def added(
    bench: Bench,
    name: str,
    write: Callable[[Path], object],
    *,
    past: int = 0,
    lasts: int = LASTS,
    env: Mapping[str, str] | None = None,
) -> tuple[Added, Took]:
    """What tracing adds to a run that leaves a record like the one that `write` writes, in a project with
    `past` runs; and what `python -c pass` takes. `lasts`: so many of these. `env`: more variables."""
    record, project, data = (bench.folder(f"traced-{name}-{what}") for what in ("record", "project", "data"))
    write(record)
    shutil.copytree(record / ".one/flows", project / ".one/flows", dirs_exist_ok=True)
    if past:
        write_past_runs(project, past)
    settings = bench.folder("home/.config/one-trace") / "config.toml"
    settings.write_text("[traces]\nenabled = true\n")
    stamps = project / "stamps"
    start = median(bench.bare().wall for _ in range(5))
    host = bench.folder("traced-host") / "one"
    stamp, leave = (
        f"echo $EPOCHREALTIME >> {stamps}",
        f"{sys.executable} -IS {_HOST} {record} {lasts * start:.3f}",
    )
    bench.executable(host, f"#!/bin/bash\n{stamp}\n{leave}\n{stamp}\n")
    env = {**bench.env, "ONE_TRACES_DATA_DIR": str(data), "ONE_TRACE_HOST": str(host), **(env or {})}
    added, bare = [], []
    for _ in range(REPEAT):
        bare.append(bench.bare())
        alone = bench.time([str(host), *ARGV], env, project)
        stamps.unlink()
        began = time.time()
        ours = bench.time([bench.one, *ARGV], env, project)
        ended = time.time()
        host_began, host_ended = map(float, stamps.read_text().split())
        stamps.unlink()
        added.append(
            Added(host_began - began, ended - host_ended, ours.cpu - alone.cpu, ours.wall / alone.wall)
        )
    settings.unlink()
    return Added(*map(median, zip(*added, strict=True))), Took(*map(median, zip(*bare, strict=True)))
