"""``python -m tests.bench``: all figures in one table. ``--runs 1000`` for a quick look, ``--only
stats`` for some.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench import (
    figures_answers,
    figures_assemble,
    figures_deliver,
    figures_large,
    figures_many,
    figures_run,
    figures_runner,
    figures_store,
    figures_traced,
)
from tests.bench.measure import Bench, Figure

FIGURES: dict[str, Callable[[Bench], Figure | list[Figure]]] = {
    "pass-through": figures_run.pass_through,
    "mcp": figures_run.mcp_start,
    # Early: a child's peak begins with what this process weighs when it forks.
    "capture": figures_run.capture_memory,
    "memory": figures_large.memory,
    "traced": figures_traced.traced,
    "built-in": figures_runner.built_in,
    "answers": figures_answers.answers,
    "html": figures_large.html,
    "nested": figures_large.nested,
    "spans": figures_large.hundred_thousand,
    "show-small": figures_many.show_small,
    "ci": figures_many.ci,
    "show-large": figures_many.show_large,
    "import": figures_run.import_cost,
    "import-known": figures_run.import_known,
    "assemble": figures_assemble.assembling,
    "sdk": figures_assemble.beside_the_sdk,
    "live": figures_run.live,
    "save": figures_many.save,
    "deliver": figures_deliver.delivery,
    "deliver-otlp": figures_deliver.delivery_by_otlp,
    "queued": figures_deliver.queued,
    "list": figures_many.list_runs,
    "stats": figures_many.stats,
    "cost": figures_many.cost,
    "insights": figures_many.insights,
    "diff": figures_many.diff_large,
    "store": figures_store.commands,
    "prune": figures_store.prune,
}


def main() -> int:
    """Measure and print; 1 if a bar was missed and ``--check`` was given."""
    options = _options()
    bars_held = True
    with tempfile.TemporaryDirectory(prefix="one-trace-bench-") as made:
        bench = Bench(Path(options.folder or made), options.runs, options.repeat, options.spans)
        print(f"{'FIGURE':34} {'VALUE':>8}  {'UNIT':18} {'BAR':>6}  {'':4}  DETAIL")
        for name, measure in FIGURES.items():
            if options.only and name not in options.only:
                continue
            found = measure(bench)
            for figure in found if isinstance(found, list) else [found]:
                print(line(figure), flush=True)
                bars_held = bars_held and figure.held
    return 1 if options.check and not bars_held else 0


def line(figure: Figure) -> str:
    bar = "" if figure.bar is None else f"{figure.bar:g}"
    verdict = "" if figure.bar is None else "ok" if figure.held else "MISS"
    return f"{figure.name:34} {figure.value:8.2f}  {figure.unit:18} {bar:>6}  {verdict:4}  {figure.detail}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="runs of the large store, 100 spans each")
    parser.add_argument("--spans", type=int, default=10_000_000, help="spans of the largest store")
    parser.add_argument("--repeat", type=int, default=5, help="rounds of each measurement")
    parser.add_argument("--only", nargs="+", choices=list(FIGURES), help="these figures alone")
    parser.add_argument("--folder", help="keep the stores there, and use those that are there")
    parser.add_argument("--check", action="store_true", help="end with 1 if a bar is missed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
