"""``python -m tests.bench.store``: a store of 10^7 spans, and what every command takes over it.

It takes minutes and 2 GB to make; ``--folder`` keeps it for the next time. ``--make`` does no more than that.
`prune` comes last and deletes a tenth of the runs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench import figures_store
from tests.bench.measure import Bench, Figure
from tests.bench.run import line


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.store", description=__doc__)
    parser.add_argument("--spans", type=int, default=10_000_000)
    parser.add_argument("--folder", help="where the store is kept")
    parser.add_argument("--make", action="store_true", help="only make the store")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="one-trace-bench-") as made:
        bench = Bench(Path(options.folder or made), 0, spans=options.spans)
        print(figures_store.made(bench))
        if options.make:
            return 0
        for took, words in figures_store.each_command(bench):
            print(line(Figure(words[:34], took.wall, "s", 1, f"{took.cpu:.2f} s of cpu")), flush=True)
        for took, words in figures_store.over_all_runs(bench):
            detail = f"{took.cpu:.2f} s of cpu, over all runs"
            bar = 1 if words in ("cost, from then on", "insights") else None
            print(line(Figure(words, took.wall, "s", bar, detail)), flush=True)
        print(line(figures_store.tail(bench)), flush=True)
        print(line(figures_store.prune(bench)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
