"""The corpus that an ablation is held against: named cases, recordings, random runs and damaged records."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import msgspec
from msgspec.structs import replace

from one_trace.assemble import assemble
from one_trace.errors import RecordError
from one_trace.model.trace import Assembly, Trace
from one_trace.record.files import RunFiles
from one_trace.record.reading import Record, read
from tests.assemble import score_fidelity
from tests.assemble.compare import differences
from tests.assemble.damage import check
from tests.assemble.generated import Made
from tests.assemble.generated import run as run_made
from tests.assemble.recorded import cases, lay_out
from tests.assemble.test_fidelity import truth_of
from tests.oracle.hostile import KINDS, hostile_run
from tests.scratch import in_memory

NAMED = Path(__file__).with_name("found")
FIRST_SEED = 50_000_000
SEEDS = 80
LARGEST = 600_000
"""Bytes of a log: a recording with more takes longer than all others together."""
SPOILT = 6
"""Damaged copies of each of some runs."""
SHORT = ("02-linear-unicode", "55-parallel-fail-flow", "12-parallel-containers", "49-resume-failed")


@dataclass
class Case:
    """A record, and what its trace must be: `wrong` says whether a trace is another."""

    name: str
    record: Record
    wrong: Callable[[Trace], bool]
    document: bytes = b""
    tree: bytes = b""
    bare: bytes = b""
    unsure: int = 0
    """Of the assembler as it is: all that it gives, its tree alone, and without what is not certain."""

    @property
    def group(self) -> str:
        return self.name.partition(":")[0]

    def verdict(self) -> str:
        """Of the assembler as it is now: `same`, `changed`, `unsure` (right, but less certain), `wrong`."""
        try:
            assembly = assemble(self.record)
        except RecordError:
            return "same" if not self.document else "wrong"
        if _document(assembly) == self.document:
            return "same"
        trace, unsure = assembly.trace, _unsure(assembly.trace)
        if self.wrong(trace) or (_tree(trace) == self.tree and _bare(assembly) != self.bare):
            return "wrong"  # what the truth does not hold is right today: errors, codes, causes, plans
        return "unsure" if unsure > self.unsure else "changed"

    def settle(self) -> bool:
        """Keep what the assembler makes of it now; False if that is wrong already."""
        try:
            assembly = assemble(self.record)
        except RecordError:
            return self.group == "damaged"
        trace = assembly.trace
        self.document, self.unsure, self.tree = _document(assembly), _unsure(trace), _tree(trace)
        wrong = self.wrong(trace)
        self.bare = _bare(assembly)
        return not wrong


def _document(assembly: Assembly) -> bytes:
    plan = (assembly.flow_version, assembly.static_paths, assembly.command_ends, assembly.input_count)
    return msgspec.json.encode((assembly.trace, plan))


def _bare(assembly: Assembly) -> bytes:
    """Without `derived`: the trace is of no more use then."""
    for span in assembly.trace.spans:
        span.derived = []
    return _document(assembly)


def _tree(trace: Trace) -> bytes:
    """Which spans there are, where they stand, and how they ended."""
    rows = [
        (
            span.path,
            span.parent_span_id,
            span.start_ms,
            span.status,
            span.duration_ms,
            span.attempts,
            span.late,
        )
        for span in trace.spans
    ]
    return msgspec.json.encode(rows)


def _unsure(trace: Trace) -> int:
    """What a trace says is not certain."""
    return sum(len(span.derived) for span in trace.spans) + 1000 * len(trace.run.partial or ())


@contextmanager
def corpus(seeds: int = SEEDS) -> Iterator[list[Case]]:
    """All cases that are right today. Their files are there as long as the context is."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ablation-", dir=in_memory())))
        made = [*_named(folder.resolve()), *_recordings(folder.resolve()), *_random(stack, seeds)]
        yield [case for case in [*made, *_damaged(folder.resolve())] if case.settle()]


def _named(folder: Path) -> Iterator[Case]:
    for path in sorted(NAMED.glob("*.json")):
        project = folder / path.stem
        project.mkdir()
        files, truth, _ = run_made(Made.from_json(path.read_text()), project)

        def wrong(trace: Trace, truth=truth) -> bool:  # type: ignore[no-untyped-def]
            unread = any(fault.startswith("no reading") for fault in trace.run.partial or ())
            return unread or bool(differences(truth, trace))

        yield Case(f"named:{path.stem}", read(files), wrong)


def _recordings(folder: Path) -> Iterator[Case]:
    for name in cases():
        truths = {run["runId"]: run for run in truth_of(name)["runs"]}
        for files in lay_out(name, folder / name):
            if files.run_id not in truths or files.log is None or files.log.stat().st_size > LARGEST:
                continue

            def wrong(trace: Trace, truth=truths[files.run_id]) -> bool:  # type: ignore[no-untyped-def]
                scored = score_fidelity.Run(truth, json.loads(msgspec.json.encode(trace)))
                return bool(scored.wrong or scored.missing or scored.extra or scored.run_wrong)

            yield Case(f"recorded:{name}", read(files), wrong)


def _random(stack: ExitStack, seeds: int) -> Iterator[Case]:
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        for kind in KINDS:
            run = stack.enter_context(hostile_run(kind, seed))
            if run is not None:
                yield Case(
                    f"random:{kind}-{seed}",
                    read(run.files),
                    lambda trace, truth=run.truth: bool(differences(truth, trace)),
                )


def _damaged(folder: Path) -> Iterator[Case]:
    """Logs with lines dropped, swapped or cut, and states that are gone: nothing is thrown, and the trace
    holds together."""
    for name in SHORT:
        for files in lay_out(name, folder / f"{name}-whole"):
            assert files.log is not None
            lines = files.log.read_bytes().split(b"\n")
            for number in range(SPOILT):
                path = folder / f"{name}-{files.run_id}-{number}.log"
                path.write_bytes(b"\n".join(_spoil(list(lines), Random(number))))
                state = files.state if number % 3 else None
                yield _spoilt(f"damaged:{name}-{number}", replace(files, log=path, state=state))


def _spoil(lines: list[bytes], random: Random) -> list[bytes]:
    for _ in range(3):
        at, other = random.randrange(len(lines)), random.randrange(len(lines))
        if random.random() < 0.5:
            del lines[at]
        else:
            lines[at], lines[other] = lines[other], lines[at]
    return lines[: random.randrange(len(lines) // 2, len(lines) + 1)]


def _spoilt(name: str, files: RunFiles) -> Case:
    def wrong(trace: Trace) -> bool:
        try:
            check(trace)
        except (AssertionError, KeyError):
            return True
        return False

    return Case(name, read(files), wrong)
