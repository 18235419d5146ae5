"""Many random runs, at night: ``python -m tests.assemble.nightly [RUNS] [FIRST_SEED] [FOLDER]``; without
arguments 100,000 from seed 0 on, on all cores. ``--seconds`` or Ctrl-C end it with what it has.

Prints each seed whose trace is not what happened, in the order of seeds, and a table of how many there were.
With a folder, the smallest flows that still go wrong are written there: move what was fixed to
``tests/assemble/found`` under a name that says what it was.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from one_trace.assemble import assemble
from one_trace.engine.call import RunOptions
from one_trace.model.trace import Span, Trace
from one_trace.record.files import RunFiles
from one_trace.record.reading import read
from tests.assemble.compare import differences
from tests.assemble.generated import Made, Maker
from tests.assemble.shrink import shrink
from tests.oracle.verdict import check
from tests.scratch import in_memory
from tests.truth import TooLarge, TrueSpan, Truth, forget_worker, run_for_truth

KINDS = {"plain": (False, False), "wide": (False, True), "trouble": (True, False), "both": (True, True)}
COLUMNS = (
    "runs",
    "spans",
    "doubtful",
    "right even so",
    "status open",
    "unsettled",
    "contradicted",
    "wrong runs",
    "too large",
)
"""`doubtful`: spans that may as well be another iteration; `right even so`: those among them that are what
they are said to be; `status open`: silent ones of which the record does not tell what became; `unsettled`:
runs that say that something contradicts every reading of them; `contradicted`: runs with doubtful spans whose
reading cannot have left their record (`tests.oracle`), which are wrong, too; `too large`: runs
that were broken off, and are not among the others."""
LARGEST = 600_000
"""Values in a result, copies counted: the state then has 30 MB or so. One run in a hundred has more, and they
took nine tenths of the time."""
PROGRESS_S = 10
AHEAD = 8
"""Seeds that are under way for each process: results are taken in the order of seeds."""


@dataclass
class Outcome:
    """What a seed came to: the counts of each kind's run, and what is wrong with it."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.assemble.nightly", description=__doc__)
    parser.add_argument("runs", nargs="?", type=int, default=100_000, help="in all, a quarter of each kind")
    parser.add_argument("first_seed", nargs="?", type=int, default=0)
    parser.add_argument("folder", nargs="?", type=Path, help="where the smallest wrong flows are written")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes; all cores")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no run after that long")
    asked = parser.parse_args(words)
    seeds = range(asked.first_seed, asked.first_seed + -(-asked.runs // len(KINDS)))
    total = {kind: Counter[str]() for kind in KINDS}
    progress = Progress(len(seeds) * len(KINDS))
    with tempfile.TemporaryDirectory(prefix="nightly-", dir=in_memory()) as projects:
        # Spawned: a fork would share our worker's pipes, if there is one. Ctrl-C is for us alone.
        pool = ProcessPoolExecutor(
            asked.jobs, mp_context=multiprocessing.get_context("spawn"), initializer=os.setpgrp
        )
        until = time.monotonic() + asked.seconds
        try:
            for seed, outcome in outcomes(pool, seeds, asked.jobs * AHEAD, until, projects, asked.folder):
                for kind, counts in outcome.counts.items():
                    total[kind] += counts
                for kind, what in outcome.wrong.items():
                    print(f"seed {seed} {kind}: {what}", flush=True)
                progress.show(sum(counts["runs"] + counts["too large"] for counts in total.values()))
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        finally:
            pool.shutdown(cancel_futures=True)
    print_table(total)
    return 1 if any(counts["wrong runs"] for counts in total.values()) else 0


def outcomes(
    pool: ProcessPoolExecutor, seeds: range, ahead: int, until: float, projects: str, folder: Path | None
) -> Iterator[tuple[int, Outcome]]:
    """What each seed came to, in order. After `until` those under way are the last."""
    waiting: deque[tuple[int, Future[Outcome]]] = deque()
    for seed in seeds:
        if time.monotonic() >= until:
            break
        waiting.append((seed, pool.submit(all_kinds, seed, projects, folder)))
        if len(waiting) > ahead:
            seed, future = waiting.popleft()
            yield seed, future.result()
    for seed, future in waiting:
        if future.done() or time.monotonic() < until or not future.cancel():
            yield seed, future.result()


def all_kinds(seed: int, projects: str | None, folder: Path | None) -> Outcome:
    """A run of each kind, of one seed."""
    outcome = Outcome()
    for kind, (problem, wide) in KINDS.items():
        made = Maker(Random(seed), problem=problem, wide=wide).make()
        wrong, outcome.counts[kind] = attempt(made, projects)
        if wrong:
            outcome.wrong[kind] = wrong[0]
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
                small = shrink(made, lambda trial: bool(attempt(trial, projects)[0]))
                (folder / f"{kind}-{seed}.json").write_text(small.to_json())
    return outcome


def attempt(made: Made, projects: str | None = None) -> tuple[list[str], Counter[str]]:
    """What is wrong with a run's trace, and the run's part of the table."""
    try:
        with tempfile.TemporaryDirectory(dir=projects) as folder:
            files, truth, trace = run(made, Path(folder).resolve())
            wrong, counts = differences(truth, trace), counted(truth, trace)
            decided = contradiction(files, trace) if counts["doubtful"] and not wrong else None
            if decided is not None:
                counts["contradicted"] = 1
                wrong = [f"what it leaves open is decided: {decided}"]
    except TooLarge:
        forget_worker()
        return [], Counter({"too large": 1})
    except Exception as error:  # noqa: BLE001  what the assembler throws is wrong, and not the end of the night
        wrong, counts = [f"{type(error).__name__}: {error}"], Counter(runs=1)
        forget_worker()
    counts["wrong runs"] = bool(wrong)
    return wrong, counts


def contradiction(files: RunFiles, trace: Trace) -> str | None:
    """How the log, the state or a flow file decides what the trace calls a guess, if otherwise."""
    verdict = check(files, trace)
    return verdict.why if verdict.kind == "refuted" else None


def run(made: Made, project: Path) -> tuple[RunFiles, Truth, Trace]:
    options = RunOptions(stop_after=made.stop_after) if made.stop_after else None
    files, truth = run_for_truth(
        project, made.flows, "main", behaviour=made.behaviour, options=options, largest=LARGEST
    )
    return files, truth, assemble(read(files)).trace


def counted(truth: Truth, trace: Trace) -> Counter[str]:
    happened: dict[str, list[TrueSpan]] = {}
    for true in truth["spans"]:
        happened.setdefault(true["path"], []).append(true)
    doubtful = [span for span in trace.spans if "iteration" in span.derived]
    right = [
        span
        for span in doubtful
        if any(as_told(span, true, truth["startedMs"]) for true in happened.get(span.path, ()))
    ]
    return Counter(
        {
            "runs": 1,
            "spans": len(trace.spans),
            "doubtful": len(doubtful),
            "right even so": len(right),
            "status open": sum("status" in span.derived for span in trace.spans),
            "unsettled": any(fault.startswith("no reading") for fault in trace.run.partial or ()),
        }
    )


def as_told(span: Span, true: TrueSpan, start: int) -> bool:
    """Whether start, status and duration are those of `true`. Silent children have no start of their own."""
    return (
        (not true["events"] or span.start_ms + start == true["startMs"])
        and span.status in (true["status"], *(true.get("statusAlso") or ()))
        and (span.status in ("skipped", "incomplete") or span.duration_ms == true["durationMs"])
    )


class Progress:
    """Says now and then, on standard error, how far it is."""

    def __init__(self, runs: int) -> None:
        self._runs = runs
        self._began = self._said = time.monotonic()

    def show(self, done: int) -> None:
        now = time.monotonic()
        if now - self._said < PROGRESS_S:
            return
        self._said = now
        rate = done / (now - self._began)
        left = (self._runs - done) / rate
        print(
            f"{done:,} of {self._runs:,} runs, {rate:.0f} a second, {left:.0f} s left",
            file=sys.stderr,
            flush=True,
        )


def print_table(total: dict[str, Counter[str]]) -> None:
    whole: Counter[str] = Counter()
    for counts in total.values():
        whole += counts
    print("".join(f"{word:>15}" for word in ("", *COLUMNS)))
    for name, counts in (*total.items(), ("all", whole)):
        print(f"{name:>15}" + "".join(f"{counts[column]:15,}" for column in COLUMNS))


if __name__ == "__main__":
    sys.exit(main())
