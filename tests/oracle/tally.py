"""The outcomes of many runs, kept as one letter each."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TypeVar

from tests.oracle.outcomes import LETTERS, NO_RUN, outcome

T = TypeVar("T")
BLOCK = 100
"""Seeds whose outcomes stand in one line."""
PROGRESS_S = 20


@dataclass(frozen=True)
class Block:
    """The outcomes of successive seeds of a kind, one letter each. `digest`: of the logs of their runs.
    `why`: what the oracle reported, by seed, where it is worth a look."""

    kind: str
    first: int
    letters: str
    digest: str
    why: dict[int, str] = field(default_factory=dict)

    @property
    def faults(self) -> dict[int, str]:
        return {seed: why for seed, why in self.why.items() if self.letters[seed - self.first] in FAULTS}


WORTH_A_LOOK = frozenset(
    letter for (reading, kind), letter in LETTERS.items() if reading == "wrong" or kind == "refuted"
)
"""A wrong reading, and one that contradicts its record."""


REPRODUCED = frozenset({NO_RUN, LETTERS["right", "reproduced"], LETTERS["excused", "reproduced"]})
FAULTS = WORTH_A_LOOK - {LETTERS["excused", "refuted"]}
"""What is a fault of the assembler or of the oracle."""


def block(wanted: tuple[str, int]) -> Block:
    """Of this kind, from this seed on."""
    kind, first = wanted
    letters, why, logs = [], {}, blake2b(digest_size=6)
    for seed in range(first, first + BLOCK):
        found = outcome(kind, seed)
        logs.update(found.log if found is not None else NO_RUN.encode())
        letters.append(found.letter if found is not None else NO_RUN)
        if found is not None and found.letter in WORTH_A_LOOK:
            why[seed] = f"{found.reading}, {found.verdict.kind}: {found.verdict.why}"
    return Block(kind, first, "".join(letters), logs.hexdigest(), why)


def block_again(before: Block) -> Block:
    """With the outcomes of those runs that were not reproduced made anew."""
    letters, why = list(before.letters), {}
    for at, letter in enumerate(before.letters):
        found = outcome(before.kind, before.first + at) if letter not in REPRODUCED else None
        if found is not None:
            letters[at] = found.letter
            if found.letter in WORTH_A_LOOK:
                why[before.first + at] = f"{found.reading}, {found.verdict.kind}: {found.verdict.why}"
    return Block(before.kind, before.first, "".join(letters), before.digest, why)


def blocks(wanted: Sequence[T], jobs: int, seconds: float, make: Callable[[T], Block]) -> Iterator[Block]:
    """The blocks that `make` makes of these, in order; none that would begin after so many seconds."""
    began = reported = time.monotonic()
    # Spawned: a fork would share our worker's pipes. Ctrl-C is for us alone.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=os.setpgrp) as pool:
        for start in range(0, len(wanted), jobs):
            if time.monotonic() - began > seconds:
                return
            yield from pool.map(make, wanted[start : start + jobs])
            if time.monotonic() - reported > PROGRESS_S:
                reported = time.monotonic()
                done = (start + jobs) * BLOCK
                print(f"{done:,} of {len(wanted) * BLOCK:,} seeds, {reported - began:.0f} s", file=sys.stderr)


def counts(letters: str) -> dict[str, int]:
    """How many runs there were, and what of their readings: by name, those that are none left out."""
    found = Counter(letters)
    named = {f"{reading} {kind}": found[letter] for (reading, kind), letter in LETTERS.items()}
    return {"runs": len(letters) - found[NO_RUN]} | {name: number for name, number in named.items() if number}
