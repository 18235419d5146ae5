"""``python -m tests.bench.growth``: for every command, how often the processor time over half as much goes
into that over the whole: 5,000 flows within each other, and a run of 100,000 spans. A name chooses one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench.figures_large import nested_growths, span_growths
from tests.bench.measure import Bench, Figure
from tests.bench.run import line

GROWTHS = {"nested": nested_growths, "spans": span_growths}
MOST = 2.3


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("kinds", nargs="*", choices=[*GROWTHS, []], help="all unless some are named")
    chosen = parser.parse_args().kinds or list(GROWTHS)
    with tempfile.TemporaryDirectory(prefix="one-trace-bench-") as made:
        bench = Bench(Path(made), 0)
        for kind in chosen:
            print(kind)
            for ratio, command, seconds in GROWTHS[kind](bench):
                print(line(Figure(command[:34], ratio, "x half (cpu)", MOST, f"{seconds:.2f} s")), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
