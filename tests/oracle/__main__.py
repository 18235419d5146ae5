"""Hold many readings against their records.

    python -m tests.oracle --corpus       the stored runs again; what is no longer as stored is printed, and
                                          with --store becomes what is stored
    python -m tests.oracle --build        the stored corpus, where it is not there yet
    python -m tests.oracle --recheck      its runs that were not reproduced, whose verdicts are stored anew
    python -m tests.oracle --fresh N      about N runs that nobody has tried, added to the figures
    python -m tests.oracle --mutants      the wrong readings of assemblers with a condition taken out
    python -m tests.oracle --show KIND SEED

Exits with 1 if a right reading was refuted, a wrong one was found, or the corpus has changed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter

from tests.oracle import corpus, figures
from tests.oracle.hostile import KINDS
from tests.oracle.outcomes import LETTERS, outcome
from tests.oracle.tally import Block, block_again, blocks, counts
from tests.oracle.tally import block as one_block


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.oracle", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--corpus", action="store_true")
    what.add_argument("--build", action="store_true")
    what.add_argument("--recheck", action="store_true")
    what.add_argument("--fresh", type=int, metavar="N")
    what.add_argument("--mutants", action="store_true")
    what.add_argument("--show", nargs=2, metavar=("KIND", "SEED"))
    parser.add_argument("--store", action="store_true", help="with --corpus")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes; all cores")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin nothing after that long")
    asked = parser.parse_args(words)
    if asked.corpus:
        return check_corpus(asked.jobs, asked.seconds, store=asked.store)
    if asked.build:
        return build(asked.jobs, asked.seconds)
    if asked.recheck:
        return recheck(asked.jobs, asked.seconds)
    if asked.fresh is not None:
        return fresh(asked.fresh, asked.jobs, asked.seconds)
    if asked.mutants:
        return mutants()
    return show(asked.show[0], int(asked.show[1]))


def check_corpus(jobs: int, seconds: float, *, store: bool) -> int:
    stored, changed, found = corpus.stored(), 0, []
    for block in blocks([each for each in corpus.wanted() if each in stored], jobs, seconds, one_block):
        for change in corpus.changes(block, stored[block.kind, block.first]):
            changed += 1
            print(change, flush=True)
        if store:
            corpus.store(block)
        found.append(block)
    print_table(found)
    return 1 if changed else 0


def build(jobs: int, seconds: float) -> int:
    stored, found = corpus.stored(), []
    for block in blocks([each for each in corpus.wanted() if each not in stored], jobs, seconds, one_block):
        corpus.store(block)
        found.append(block)
    print_table(list(corpus.stored().values()))
    return report(found)


def recheck(jobs: int, seconds: float) -> int:
    found = []
    for block in blocks(list(corpus.stored().values()), jobs, seconds, block_again):
        corpus.store(block)
        found.append(block)
    print_table(found)
    return report(found)


def fresh(runs: int, jobs: int, seconds: float) -> int:
    found = []
    for block in blocks(figures.fresh(runs), jobs, seconds, one_block):
        figures.add(block)
        found.append(block)
    print_table(found)
    whole = figures.total(figures.read_figures()["byKind"])
    print(f"in all: {', '.join(f'{name} {number:,}' for name, number in whole.items())}")
    return report(found)


def report(found: list[Block]) -> int:
    """Print what is worth a look; 1 if something of it is a fault."""
    for block in found:
        for seed, why in block.why.items():
            print(f"{block.kind} {seed} {why}")
    return 1 if any(block.faults for block in found) else 0


def mutants() -> int:
    from tests.oracle.mutant_readings import REFUTED, judge_all  # reads the sources of the assembler

    verdicts = judge_all(lambda line: print(line, flush=True))
    part = verdicts["refuted"] / max(1, verdicts.total())
    print(f"{verdicts['refuted']} of {verdicts.total()} wrong readings refuted, {part:.1%}")
    return 0 if part >= REFUTED else 1


def show(kind: str, seed: int) -> int:
    began = time.monotonic()
    found = outcome(kind, seed)
    if found is None:
        print("no such run")
        return 0
    verdict = found.verdict
    print(f"{found.reading}, {verdict.kind} after {verdict.tried} runs, {time.monotonic() - began:.2f} s")
    print(verdict.why or "nothing differs")
    return 0


def print_table(found: list[Block]) -> None:
    """What the readings are and what is said of them, by kind."""
    by_kind = {kind: "".join(block.letters for block in found if block.kind == kind) for kind in KINDS}
    by_kind["all"] = "".join(by_kind.values())
    columns = [Counter(counts(letters)) for letters in by_kind.values()]
    print(f"{'':20}" + "".join(f"{kind:>10}" for kind in by_kind))
    for name in ("runs", *(f"{reading} {kind}" for reading, kind in LETTERS)):
        print(f"{name:20}" + "".join(f"{column[name]:10,}" for column in columns))


if __name__ == "__main__":
    sys.exit(main())
