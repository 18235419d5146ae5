"""Figures of what is large: a report of 2,000 spans, a state of 1 GB, flows within flows, runs of 100,000
spans.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.bench.history import fill, one_run
from tests.bench.measure import Bench, Figure
from tests.bench.records import RUN, write_loop, write_nested

MB = 1_000_000
LOUD = Path(__file__).with_name("loud_host.py")
_COMMANDS: tuple[tuple[str, ...], ...] = (
    ("show", "last"),
    ("show", "last", "--all"),
    ("show", "last", "--failed"),
    ("show", "last", "--slow", "5"),
    ("show", "last", "--events"),
    ("list",),
    ("stats",),
    ("stats", "FLOW"),
    ("stats", "FLOW", "--format", "csv", "-o", os.devnull),
    ("insights", "FLOW"),
    ("cost",),
    ("diff", "last", "last"),
    ("baseline", "FLOW"),
    ("ci", "last"),
    ("open", "last"),
    ("open", "FLOW"),
    *(
        ("export", "last", "--format", kind)
        for kind in ("json", "events", "otlp", "perfetto", "html", "markdown")
    ),
)
_ONCE = (("import",), ("prune", "--older-than", "0d", "--force", "--yes"))
"""The first and the last command of all, which cannot be repeated."""


def html(bench: Bench) -> list[Figure]:
    """The report of a run of 2,000 spans: its size, and when a headless Chromium shows something of it."""
    data, report = bench.folder("html"), bench.folder("html") / "run.html"
    if not (data / "traces.db").exists():
        fill(data / "traces.db", [one_run(2_000, run_id="report")])
    bench.command("trace", "export", "report", "--format", "html", "-o", str(report), data=data)()
    size = report.stat().st_size
    figures = [Figure("HTML, 2,000 spans", size / 1000, "kB", 110, f"{size:,} bytes")]
    paints = _first_paints(bench, report)
    if paints:
        detail = f"median of {len(paints)}, {min(paints):.0f} to {max(paints):.0f} ms"
        figures.append(Figure("  first paint", median(paints), "ms", 150, detail))
    return figures


def _first_paints(bench: Bench, report: Path) -> list[float]:
    """Milliseconds from the navigation to the first paint; none without Chromium."""
    from tests.export.browser import Browser, find

    program = find()
    if program is None:
        return []
    paints = []
    profile = bench.folder("profile")
    with Browser(program, profile) as page:
        page.size(1280, 800)
        for _ in range(11):
            page.open(report)
            page.wait("performance.getEntriesByName('first-paint').length")
            paints.append(float(page.run("performance.getEntriesByName('first-paint')[0].startTime")))
    shutil.rmtree(profile, ignore_errors=True)
    return paints[1:]


def memory(bench: Bench) -> list[Figure]:
    """Our peak while a run with a state of 150 MB is imported, by the file; and with one of 1 GB, beyond what
    is asked of it."""
    figures = []
    peak, size = _import_peak(bench, 150 * MB)
    figures.append(
        Figure(
            "import, state of 150 MB", peak * 2**20 / size, "x the file", 1.15, f"{peak:.0f} MB at the peak"
        )
    )
    peak, size = _import_peak(bench, 1000 * MB)
    figures.append(Figure("import, state of 1 GB", peak, "MB", 256, f"{size / MB:.0f} MB of state"))
    return figures


def _import_peak(bench: Bench, size: int) -> tuple[float, int]:
    project = bench.folder(f"state-{size}")
    env = bench.env | {"LOUD_BYTES": str(size)}
    # What it prints must not be held here: a child's peak begins with what this process weighs.
    subprocess.run(
        [sys.executable, "-IS", str(LOUD)], env=env, cwd=project, stdout=subprocess.DEVNULL, check=True
    )
    data = bench.folder(f"state-{size}-data")
    env = bench.env | {"ONE_TRACES_DATA_DIR": str(data)}
    peak, _ = bench.peak_mb([bench.one, "--agent", "trace", "import"], env, project)
    (state,) = (project / ".one/flows/.runs").iterdir()
    found = peak, state.stat().st_size
    shutil.rmtree(project)
    return found


class Growth(NamedTuple):
    """A command: how often the processor time of half as much goes into that of the whole, in seconds."""

    ratio: float
    command: str
    seconds: float


def nested(bench: Bench) -> Figure:
    """5,000 flows within each other, by half as many: the worst of all commands."""
    return _worst("nested, 5,000", nested_growths(bench))


def hundred_thousand(bench: Bench) -> Figure:
    """A run of 100,000 spans by one of half as many: the worst of all commands."""
    return _worst("spans, 100,000", span_growths(bench))


def nested_growths(bench: Bench) -> Iterator[Growth]:
    return _growths(bench, "nested", (2_500, 5_000), write_nested, "f0")


def span_growths(bench: Bench) -> Iterator[Growth]:
    return _growths(bench, "spans", (50_000, 100_000), write_loop, "looped")


def _worst(name: str, growths: Iterable[Growth]) -> Figure:
    found = sorted(growths, reverse=True)
    slowest = max(found, key=lambda each: each.seconds)
    detail = "; ".join(f"{words}: {ratio:.2f}, {cpu:.2f} s" for ratio, words, cpu in found[:3])
    detail += f"; slowest {slowest.command}: {slowest.seconds:.2f} s"
    return Figure(f"{name}, worst command", found[0].ratio, "x half as many (cpu)", 2.3, detail)


def _growths(
    bench: Bench, name: str, sizes: tuple[int, int], write: Callable[[Path, int], object], flow: str
) -> Iterator[Growth]:
    """Start-up is in both, so that a command that hardly works is at about 1."""
    places = []
    for size in sizes:
        project, data = bench.folder(f"{name}-{size}"), bench.folder(f"{name}-{size}-data")
        if not (project / f".one/flows/.runs/{flow}-{RUN}.state.json").exists():
            write(project, size)
        for file in data.iterdir():
            file.unlink()
        env = bench.env | {"ONE_TRACES_DATA_DIR": str(data), "BROWSER": "/bin/true"}
        places.append((project, env))
    first, last = _ONCE
    for words in (first, *_COMMANDS, last):
        once = words in _ONCE
        for agent in ((),) if once or words[0] == "export" else ((), ("--agent",)):
            argv = [bench.one, *agent, "trace", *(flow if word == "FLOW" else word for word in words)]
            half, whole = (
                min(bench.time(argv, env, project).cpu for _ in range(1 if once else 2))
                for project, env in places
            )
            yield Growth(whole / half, " ".join((*agent, *words)), whole)
