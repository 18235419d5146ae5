"""Damage to a log changes no span that ended before it: each span that ended before the first damaged line
is the same as in the trace of the whole log, unless the trace itself calls it doubtful."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import msgspec
import pytest

from one_trace.record.files import RunFiles
from tests.assemble.damage import changed_before, check, ends
from tests.assemble.generated import Maker, run
from tests.assemble.recorded import RECORDINGS, lay_out
from tests.effort import effort

CASES = sorted(path.name for path in RECORDINGS.iterdir() if (path / "logs").is_dir())
MANY_READINGS = {"65-same-ids-across": 3, "76-conc-loop-instant": 3}
"""Cases whose damaged logs have readings by the hundred: how many kinds of damage to try at first."""
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


Damages = Sequence[Callable[[Rows, Random], Rows]]


def changes(files: RunFiles, random: Random, lines: Sequence[int], damages: Damages) -> tuple[int, list[str]]:
    """Damage the log after each of these lines, in each of these ways: the number of spans compared, and
    those that changed."""
    whole = ends(files)
    assert whole is not None
    assert files.log is not None
    rows = files.log.read_bytes().split(b"\n")[:-1]
    damaged_log = files.log.with_name("damaged.log")
    compared, wrong = 0, []
    for line in lines:
        for damage in damages:
            damaged_log.write_bytes(b"\n".join([*rows[:line], *damage(rows[line:], random)]) + b"\n")
            damaged = ends(msgspec.structs.replace(files, log=damaged_log))
            assert damaged is not None
            check(damaged.trace)
            compared += sum(at < line for at in whole.by_line)
            wrong += [f"{damage.__name__} {change}" for change in changed_before(whole, damaged, line)]
    return compared, wrong


def some_lines(files: RunFiles, random: Random, count: int) -> list[int]:
    assert files.log is not None
    lines = files.log.read_bytes().count(b"\n")
    return sorted(random.sample(range(1, lines), min(count, lines - 1)))


def assert_earlier_spans_stay(
    files: RunFiles, random: Random, lines: Sequence[int], damages: Damages = DAMAGES
) -> int:
    """With the state, without it, or (quick) one of the two; the number of spans compared."""
    both = [files, msgspec.structs.replace(files, state=None)]
    compared, wrong = 0, []
    for each in effort([random.choice(both)], both):
        count, changed = changes(each, random, lines, damages)
        compared += count
        wrong += changed
    assert wrong == []
    return compared


@pytest.mark.parametrize("case", CASES)
def test_earlier_spans_of_recorded_runs_stay(case: str, tmp_path: Path) -> None:
    compared, completed = 0, 0
    for files in lay_out(case, tmp_path):
        if files.log is None:
            continue
        log, random = files.log.read_bytes(), Random(case)
        places = effort(0, 1) if log.count(b"\n") > 1000 else effort(1, 5)
        damages = random.sample(DAMAGES, effort(MANY_READINGS.get(case), None) or len(DAMAGES))
        compared += assert_earlier_spans_stay(files, random, some_lines(files, random, places), damages)
        completed += log.count(b"step:complete")
    assert compared >= effort(0, 1) or completed <= 3


@pytest.mark.parametrize("problem", [False, True])
@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.program
def test_earlier_spans_of_random_runs_stay(
    problem: bool, wide: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    compared = 0
    for seed in range(effort(2, 25)):
        made = Maker(Random(seed), problem=problem, wide=wide).make(2)
        files, _, trace = run(made, tmp_path_factory.mktemp("made"))
        if trace.spans:
            random = Random(seed)
            compared += assert_earlier_spans_stay(files, random, some_lines(files, random, effort(1, 3)))
    assert compared > effort(0, 10)


FOUND = {
    "one of two concurrent sub-flows": ("16-subflow-shared-parallel", 10),
    "a sub-flow called at two depths": ("18-three-level", 34),
    "a sub-flow of one of two iterations": ("65-same-ids-across", 48),
    "a result that could not be saved": ("68-bigint", 6),
}
"""Cases that were wrong once: the recording, and the line after which its log is damaged."""


@pytest.mark.parametrize("name", FOUND)
def test_cases_found_earlier_stay_right(name: str, tmp_path: Path) -> None:
    case, line = FOUND[name]
    (files,) = lay_out(case, tmp_path)
    for seed in range(effort(1, 5)):
        assert_earlier_spans_stay(files, Random(seed), [line])
