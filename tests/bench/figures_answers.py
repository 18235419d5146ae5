"""Figures of what a user waits for at the keyboard, by *floor*: importing click, msgspec and sqlite3, which
no command can do without.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

from tests.bench.history import fill, one_run, runs
from tests.bench.measure import Bench, Figure, ms

FLOOR = (sys.executable, "-c", "import click, msgspec, sqlite3")
REPEAT = 30
RUNS = 1_000
"""Of another flow, so that the store is one that has been used."""


def answers(bench: Bench) -> list[Figure]:
    """Medians in turn with the floor and with `python -c pass`."""
    small, large = _data(bench, "answers-small", 20), _data(bench, "answers-large", 2_000)
    env = bench.env | {"_ONE_TRACE_COMPLETE": "1", "ONE_TRACES_DATA_DIR": str(small)}
    took = bench.interleaved(
        bench.bare,
        lambda: bench.time(FLOOR, bench.env),
        bench.command("trace", "show", "last", data=small),
        bench.command("trace", "list", data=small),
        lambda: bench.time([bench.one, "flow", "execute", ""], env),
        bench.command("--agent", "trace", "show", "last", data=large),
        repeat=REPEAT,
        choose=median,
    )
    bare, floor, show, listed, tab, large_show = took
    return [
        Figure("trace show last", show.wall / floor.wall, "x floor", 1.25, f"{ms(show)} to {ms(floor)}"),
        Figure("trace list", listed.wall / floor.wall, "x floor", 1.2, f"{ms(listed)} to {ms(floor)}"),
        Figure("TAB", tab.wall / bare.wall, "x python -c pass", 3, f"{ms(tab)} to {ms(bare)}"),
        Figure(
            "show last for agents, 2,000 spans",
            large_show.wall / floor.wall,
            "x floor",
            1.5,
            f"{ms(large_show)} to {ms(floor)}",
        ),
    ]


def _data(bench: Bench, name: str, spans: int) -> Path:
    data = bench.folder(name)
    if not (data / "traces.db").exists():
        fill(data / "traces.db", [*runs(RUNS), one_run(spans, run_id=f"{spans:012x}")])
    return data
