"""Many random runs, by hand or at night: ``python -m tests.assemble.nightly [RUNS] [FIRST_SEED]``.

Prints each seed whose trace is not what happened, and how many there were. 100,000 runs take about an hour a
kind.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

from tests.assemble.generated import Maker, differences, run

KINDS = {"plain": (False, False), "wide": (False, True), "trouble": (True, False), "both": (True, True)}


def main(runs: int, first: int) -> int:
    found: Counter[str] = Counter()
    for seed in range(first, first + runs):
        for kind, (trouble, wide) in KINDS.items():
            with tempfile.TemporaryDirectory() as folder:
                made = Maker(Random(seed), trouble=trouble, wide=wide).make(3)
                _, truth, trace = run(made, Path(folder).resolve())
                found[f"{kind} spans"] += len(trace.spans)
                wrong = differences(truth, trace)
            if wrong:
                found[f"{kind} wrong"] += 1
                print(f"seed {seed} {kind}: {wrong[0]}", flush=True)
    print(", ".join(f"{name} {count}" for name, count in sorted(found.items())), f"in {runs} runs a kind")
    return 1 if any(name.endswith("wrong") for name in found) else 0


if __name__ == "__main__":
    words = [int(word) for word in sys.argv[1:3]]
    sys.exit(main(*(words + [1000, 0][len(words) :])))
