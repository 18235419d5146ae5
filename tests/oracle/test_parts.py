"""Parts of the oracle that need no run."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from one_trace.assemble.reading.decisions import Decisions
from tests.oracle import figures
from tests.oracle.events import Line
from tests.oracle.hostile import KINDS
from tests.oracle.mutants import Mutant, applied, mutants_of, read_mutants
from tests.oracle.outcomes import NO_RUN
from tests.oracle.retries import Retried, splits
from tests.oracle.tally import Block
from tests.true_tree import Behaviour


def retry(at: float, attempt: int = 2, delay: float = 5) -> Line:
    return Line(at, "step:retry", {"stepId": "a", "attempt": attempt, "maxRetries": 2, "delayMs": delay})


def retried(start: float, duration: float | None, attempts: int = 2, **more: bool) -> Retried:
    end = Behaviour(math.inf if duration is None else 0)
    return Retried(f"at {start}", start, duration, attempts, end, **more)


def lasts(way: dict[str, list[Behaviour]]) -> dict[str, list[float]]:
    return {place: [body.duration_ms for body in bodies] for place, bodies in way.items()}


def test_the_time_of_attempts_is_what_the_lines_of_retries_leave() -> None:
    (way,) = splits([retried(0, 30, attempts=3)], [retry(4), retry(11, attempt=3, delay=0)])
    assert lasts(way) == {"at 0": [4, 2, 18]}


def test_two_that_were_retried_may_have_either_line() -> None:
    ways = splits([retried(0, 30), retried(1, 40)], [retry(4), retry(6)])
    assert [lasts(way) for way in ways] == [
        {"at 0": [4, 21], "at 1": [5, 30]},
        {"at 0": [6, 19], "at 1": [3, 32]},
    ]


def test_a_retry_may_be_announced_and_not_begun() -> None:
    ways = splits([retried(0, None, attempts=1, open=True)], [retry(4)])
    assert [lasts(way) for way in ways] == [{"at 0": [4]}]


def test_a_run_may_be_killed_between_the_success_of_a_retry_and_the_end_of_its_step() -> None:
    success = Line(12, "step:retry-success", {"stepId": "s", "retries": 1})
    ways = splits([retried(0, None, open=True)], [retry(4), success])
    assert [[body.error is None for body in way["at 0"]] for way in ways] == [[False, True], [False, True]]
    assert [lasts(way)["at 0"] for way in ways] == [[4, 3], [4, math.inf]]


def test_lines_that_nothing_can_have_written_leave_no_way() -> None:
    assert splits([retried(10, 5)], [retry(4)]) == []


@pytest.mark.parametrize("mutant", read_mutants(), ids=str)
def test_a_mutant_names_one_condition_of_the_assembler(mutant: Mutant) -> None:
    assert mutants_of(mutant.module).count(mutant) == 1
    with applied(mutant):
        pass


def test_a_mutant_is_the_assembler_again_afterwards() -> None:
    before = Decisions.called.__code__
    all_of = mutants_of("reading.decisions")
    mutant = next(mutant for mutant in all_of if mutant.function == "Decisions.called")
    with applied(mutant):
        assert Decisions.called.__code__ is not before
    assert Decisions.called.__code__ is before
    none = Mutant("reading.decisions", "Decisions.called", "guard", "if never: pass")
    with pytest.raises(LookupError), applied(none):
        pass


def test_fresh_runs_add_to_the_total_and_are_never_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "FILE", tmp_path / "figures.json")
    (kind, first), (other, _) = figures.fresh(150)
    assert (kind, other) == KINDS[:2]
    letters = "=" * 90 + NO_RUN * 8 + "xF"
    why = {first + 98: "excused, refuted: a", first + 99: "right, refuted: b"}
    figures.add(Block(kind, first, letters, "digest", why))
    figures.add(Block(other, first, "=" * 100, "digest"))
    found = figures.read_figures()
    assert found["byKind"][kind] == {
        "runs": 92,
        "right reproduced": 90,
        "right refuted": 1,
        "excused refuted": 1,
    }
    assert figures.total(found["byKind"])["runs"] == 192
    assert found["seeds"] == [f"{kind} {first + 99} right, refuted: b"]
    assert (kind, first) not in figures.fresh(1000)
