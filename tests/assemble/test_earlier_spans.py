"""Spans before the damage stay as they are: whatever becomes of a log from one of its lines on, what had
ended before that line is told as before, unless it says itself that it is doubtful."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import msgspec
import pytest

from one_trace.record.files import RunFiles
from tests.assemble.damage import changed_before, check, ends
from tests.assemble.generated import Maker, run
from tests.assemble.recorded import RECORDINGS, lay_out

CASES = sorted(path.name for path in RECORDINGS.iterdir() if (path / "logs").is_dir())
Rows = list[bytes]


def cut(rows: Rows, _random: Random) -> Rows:
    return []


def torn(rows: Rows, random: Random) -> Rows:
    return [rows[0][: random.randrange(len(rows[0]))]]


def one_lost(rows: Rows, _random: Random) -> Rows:
    return rows[1:]


def some_lost(rows: Rows, random: Random) -> Rows:
    return [row for row in rows if random.random() < 0.6]


def swapped(rows: Rows, random: Random) -> Rows:
    return [*reversed(rows[:2]), *rows[2:]]


def shuffled(rows: Rows, random: Random) -> Rows:
    return random.sample(rows, len(rows))


def doubled(rows: Rows, random: Random) -> Rows:
    return [rows[0], *rows] if random.random() < 0.5 else rows + rows


def unreadable(rows: Rows, _random: Random) -> Rows:
    return [b'{"ts":"2026', *rows[1:]]


def mutated(rows: Rows, random: Random) -> Rows:
    """In some lines a field is gone, or has another's value."""
    made = []
    for row in rows:
        line = json.loads(row)
        if random.random() < 0.4:
            name = random.choice(sorted(line))
            other = json.loads(random.choice(rows))
            if random.random() < 0.5 or name not in other:
                del line[name]
            else:
                line[name] = other[name]
        made.append(json.dumps(line).encode())
    return made


DAMAGES: list[Callable[[Rows, Random], Rows]] = [
    cut,
    torn,
    one_lost,
    some_lost,
    swapped,
    shuffled,
    doubled,
    unreadable,
    mutated,
]


def hold(files: RunFiles, random: Random, places: int) -> tuple[int, list[str]]:
    """Damage the log behind some of its lines, in every way; how many spans were compared, and what had
    changed."""
    whole = ends(files)
    assert whole is not None
    assert files.log is not None
    rows = files.log.read_bytes().split(b"\n")[:-1]
    damaged_log = files.log.with_name("damaged.log")
    compared, wrong = 0, []
    for line in sorted(random.sample(range(1, len(rows)), min(places, len(rows) - 1))):
        for damage in DAMAGES:
            damaged_log.write_bytes(b"\n".join([*rows[:line], *damage(rows[line:], random)]) + b"\n")
            damaged = ends(msgspec.structs.replace(files, log=damaged_log))
            assert damaged is not None
            check(damaged.trace)
            compared += sum(at < line for at in whole.by_line)
            wrong += [f"{damage.__name__} {what}" for what in changed_before(whole, damaged, line)]
    return compared, wrong


def hold_with_and_without_state(files: RunFiles, random: Random, places: int) -> int:
    compared, wrong = hold(files, random, places)
    more, without = hold(msgspec.structs.replace(files, state=None), random, places)
    assert wrong + without == []
    return compared + more


@pytest.mark.parametrize("case", CASES)
def test_of_recorded_runs(case: str, tmp_path: Path) -> None:
    compared, steps = 0, 0
    for files in lay_out(case, tmp_path):
        if files.log is not None:
            lines = files.log.read_bytes().count(b"\n")
            compared += hold_with_and_without_state(files, Random(case), 1 if lines > 1000 else 5)
            steps += files.log.read_bytes().count(b"step:complete")
    assert compared > 0 or steps <= 3


@pytest.mark.parametrize("problem", [False, True])
@pytest.mark.parametrize("wide", [False, True])
def test_of_runs_made_at_random(problem: bool, wide: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    compared = 0
    for seed in range(25):
        made = Maker(Random(seed), problem=problem, wide=wide).make(2)
        files, _, trace = run(made, tmp_path_factory.mktemp("made"))
        if trace.spans:
            compared += hold_with_and_without_state(files, Random(seed), 3)
    assert compared > 1000


LINES = {
    "a sub-flow of which two abreast could be": ("16-subflow-shared-parallel", 10),
    "a sub-flow of two levels that two could be": ("18-three-level", 34),
    "an iteration's sub-flow that could be its neighbour's": ("65-same-ids-across", 48),
    "a result that could not be saved": ("68-bigint", 6),
}
"""What this has found: a case, and the line from which on it is damaged."""


@pytest.mark.parametrize("what", LINES)
def test_what_was_found_stays_right(what: str, tmp_path: Path) -> None:
    case, line = LINES[what]

    class Here(Random):
        def sample(self, population, k, **_more):  # type: ignore[no-untyped-def]
            return [line] if isinstance(population, range) else super().sample(population, k)

    (files,) = lay_out(case, tmp_path)
    for seed in range(5):
        hold_with_and_without_state(files, Here(seed), 1)
