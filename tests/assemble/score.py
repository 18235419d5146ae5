"""How right the assembler is: ``python -m tests.assemble.score``.

``--kinds plain,both --first 93000000 --runs 100`` makes 100 seeds of each kind of random run,
assembles each record and holds the trace against what happened, as the nights do. `unmarked`: wrong although
nothing is said to contradict the reading; `doubtful`: spans that may as well be another's.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

from one_trace.assemble import assemble
from one_trace.assemble.search.readings import Reading
from one_trace.record.reading import read
from tests.assemble.compare import differences
from tests.oracle.hostile import KINDS, SHAPES, HostileRun, hostile_run

SHAPES.setdefault("plain", (False, False))
COLUMNS = ("runs", "right", "wrong", "unmarked", "contradicted", "spans", "doubtful", "status open")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.assemble.score", description=__doc__)
    parser.add_argument("--kinds", default=",".join(("plain", *KINDS)))
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--runs", type=int, default=100, help="seeds of each kind")
    asked = parser.parse_args()
    print("".join(f"{word:>14}" for word in ("", *COLUMNS, "us/event")))
    for kind in asked.kinds.split(","):
        counts: Counter[str] = Counter()
        for seed in range(asked.first, asked.first + asked.runs):
            with hostile_run(kind, seed) as run:
                if run is not None:
                    counts += scored(run, f"{kind} {seed}")
        cost = counts["ns"] / max(1, counts["lines"]) / 1000
        print(
            f"{kind:>14}" + "".join(f"{counts[name]:14,}" for name in COLUMNS) + f"{cost:14.1f}", flush=True
        )


def scored(run: HostileRun, name: str) -> Counter[str]:
    record = read(run.files)
    began = time.process_time_ns()
    reading: list[Reading] = []
    trace = assemble(record, tell=reading.append).trace
    took = time.process_time_ns() - began
    contradicted = reading[0].conflict is not None
    wrong = differences(run.truth, trace)
    if wrong:
        print(f"{name}: {wrong[0]}", flush=True)
    return Counter(
        {
            "runs": 1,
            "right": not wrong,
            "wrong": bool(wrong),
            "unmarked": bool(wrong) and not contradicted,
            "contradicted": contradicted,
            "spans": len(trace.spans),
            "doubtful": sum("iteration" in span.derived or "path" in span.derived for span in trace.spans),
            "status open": sum("status" in span.derived for span in trace.spans),
            "lines": len(record.lines),
            "ns": took,
        }
    )


if __name__ == "__main__":
    main()
