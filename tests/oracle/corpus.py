"""The stored corpus: hostile runs as seeds, with what the oracle says of the reading of each.

A line is a kind, the first of its 100 seeds, a digest of their logs, and one letter a run (`outcomes`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.oracle.tally import BLOCK, Block

FILE = Path(__file__).with_name("corpus.txt")
FIRST_SEED = 80_000_000
RUNS = 20_000
"""At least so many runs are stored."""
SHARES = {"trouble": 60, "wide": 50, "both": 80, "killed": 20, "resumed": 30}
"""Blocks of each kind, about 20,000 runs: of those to be killed, half have ended before; of those to be
resumed, a quarter fail."""


def wanted() -> list[tuple[str, int]]:
    """The kind and first seed of each block, the kinds by turns, so that a part of them is a fair sample."""
    turns = [(number / blocks, kind, number) for kind, blocks in SHARES.items() for number in range(blocks)]
    return [(kind, FIRST_SEED + number * BLOCK) for _, kind, number in sorted(turns)]


def stored() -> dict[tuple[str, int], Block]:
    """What was found, by kind and first seed."""
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    found = {}
    for line in lines:
        kind, first, digest, letters = line.split()
        found[kind, int(first)] = Block(kind, int(first), letters, digest)
    return found


def store(block: Block) -> None:
    """Add a block, or replace it."""
    found = stored() | {(block.kind, block.first): block}
    lines = (f"{each.kind} {each.first} {each.digest} {each.letters}" for _, each in sorted(found.items()))
    FILE.write_text("\n".join(lines) + "\n")


def changes(block: Block, before: Block) -> Iterator[str]:
    """What is no longer as stored, by seed. Other runs than those that were stored are no finding."""
    if block.digest != before.digest:
        yield f"{block.kind} {block.first}: other runs than the stored ones: build the corpus again"
        return
    for offset, (now, then) in enumerate(zip(block.letters, before.letters, strict=True)):
        if now != then:
            seed = block.first + offset
            yield f"{block.kind} {seed}: {then} is now {now} {block.why.get(seed, '')}".rstrip()
