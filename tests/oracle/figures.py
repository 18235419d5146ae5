"""The running total of fresh runs: what was found of all seeds that were ever tried, by kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.oracle.hostile import KINDS
from tests.oracle.tally import BLOCK, Block, counts

FILE = Path(__file__).with_name("figures.json")
FIRST_SEED = 100_000_000


def read_figures() -> dict[str, Any]:
    if FILE.exists():
        figures: dict[str, Any] = json.loads(FILE.read_text())
        return figures
    return {"nextSeed": dict.fromkeys(KINDS, FIRST_SEED), "byKind": {kind: {} for kind in KINDS}, "seeds": []}


def fresh(runs: int) -> list[tuple[str, int]]:
    """Kinds and first seeds of blocks that nobody has tried, for about so many runs."""
    figures = read_figures()
    starts = dict(figures["nextSeed"])
    blocks = []
    for number in range(-(-runs // BLOCK)):
        kind = KINDS[number % len(KINDS)]
        blocks.append((kind, starts[kind]))
        starts[kind] += BLOCK
    return blocks


def add(block: Block) -> None:
    """Count a block in. Wrong readings, and right ones that were refuted, are kept by their seed."""
    figures = read_figures()
    kind = figures["byKind"][block.kind]
    for name, number in counts(block.letters).items():
        kind[name] = kind.get(name, 0) + number
    figures["nextSeed"][block.kind] = max(figures["nextSeed"][block.kind], block.first + BLOCK)
    figures["seeds"] += [f"{block.kind} {seed} {why}" for seed, why in block.faults.items()]
    FILE.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")


def total(by_kind: dict[str, dict[str, int]]) -> dict[str, int]:
    whole: dict[str, int] = {}
    for found in by_kind.values():
        for name, number in found.items():
            whole[name] = whole.get(name, 0) + number
    return whole
