"""Many random runs, at night: ``python -m tests.assemble.nightly [RUNS] [FIRST_SEED] [FOLDER]``; without
arguments 100,000 from seed 0 on.

Prints each seed whose trace is not what happened, and how many there were. With a folder, the smallest flows
that still go wrong are written there: move what was mended to ``tests/assemble/found`` under a name that says
what it was.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

from tests.assemble.compare import differences
from tests.assemble.generated import Made, Maker, run
from tests.assemble.shrink import shrink

KINDS = {"plain": (False, False), "wide": (False, True), "trouble": (True, False), "both": (True, True)}


def main(runs: int, first: int, folder: Path | None) -> int:
    """`runs` in all, a quarter of each kind."""
    found: Counter[str] = Counter()
    for seed in range(first, first + -(-runs // len(KINDS))):
        for kind, (trouble, wide) in KINDS.items():
            made = Maker(Random(seed), trouble=trouble, wide=wide).make()
            wrong, spans, doubtful = attempt(made)
            found[f"{kind} spans"] += spans
            found[f"{kind} doubtful"] += doubtful
            if wrong:
                found[f"{kind} wrong"] += 1
                print(f"seed {seed} {kind}: {wrong[0]}", flush=True)
                if folder is not None:
                    small = shrink(made, lambda trial: bool(attempt(trial)[0]))
                    (folder / f"{kind}-{seed}.json").write_text(small.to_json())
    print(", ".join(f"{name} {count}" for name, count in sorted(found.items())), f"in {runs} runs")
    return 1 if any(name.endswith("wrong") for name in found) else 0


def attempt(made: Made) -> tuple[list[str], int, int]:
    """What is wrong with a run's trace, how many spans it has, and how many of them say that they are in
    doubt."""
    with tempfile.TemporaryDirectory() as folder:
        _, truth, trace = run(made, Path(folder).resolve())
    doubtful = sum("status" in span.derived or "iteration" in span.derived for span in trace.spans)
    return differences(truth, trace), len(trace.spans), doubtful


if __name__ == "__main__":
    words = [int(word) for word in sys.argv[1:3]]
    sys.exit(main(*(words + [100_000, 0][len(words) :]), Path(sys.argv[3]) if len(sys.argv) > 3 else None))
