"""What the oracle says of the wrong readings of mutants."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from one_trace.assemble import assemble
from one_trace.record.reading import read
from tests.assemble.generated import Made
from tests.assemble.generated import run as run_made
from tests.oracle.hostile import HostileRun, hostile_run
from tests.oracle.mutants import Mutant, applied, read_mutants
from tests.oracle.outcomes import reading_of
from tests.oracle.verdict import check
from tests.scratch import in_memory

NAMED_CASES = Path(__file__).resolve().parents[1] / "assemble" / "found"
SEEDS = range(81_000_000, 81_000_060)
KINDS = ("trouble", "wide", "both")
RUNS = 1000
"""A wrong reading takes longer than a right one: all ways have to fail."""
REFUTED = 0.9
"""What part of the wrong readings must be refuted."""


def judge_all(report: Callable[[str], None]) -> Counter[str]:
    """The verdicts on the wrong readings of all mutants, of the named cases and of some hostile runs."""
    whole: Counter[str] = Counter()
    with runs() as known:
        for mutant in read_mutants():
            found = judge(mutant, known)
            report(
                f"{found['refuted']:4} of {found.total():4} refuted, {found['unchecked']} unchecked  {mutant}"
            )
            whole += found
    return whole


def judge(mutant: Mutant, known: list[HostileRun]) -> Counter[str]:
    """The verdicts on the wrong readings of a mutant."""
    with applied(mutant):
        traces = [(run, assemble(read(run.files)).trace) for run in known]
    wrong = [(run, trace) for run, trace in traces if reading_of(run, trace) == "wrong"]
    return Counter(check(run.files, trace, RUNS).kind for run, trace in wrong)


@contextmanager
def runs() -> Iterator[list[HostileRun]]:
    """The named cases, each of which proves a rule, and hostile runs."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="named-", dir=in_memory()))
        found = list(_named(Path(folder).resolve()))
        hostile = [stack.enter_context(hostile_run(kind, seed)) for seed in SEEDS for kind in KINDS]
        yield [*found, *(run for run in hostile if run is not None)]


def _named(folder: Path) -> Iterator[HostileRun]:
    for case in sorted(NAMED_CASES.glob("*.json")):
        project = folder / case.stem
        project.mkdir()
        files, truth, _ = run_made(Made.from_json(case.read_text()), project)
        yield HostileRun(files, truth)
