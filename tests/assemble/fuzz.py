"""Coverage-guided damage, by hand: ``pip install atheris``, then ``python -m tests.assemble.fuzz``.

The bytes stand for the log or the state of a recorded run, with or without the other. They are damaged by
lines (dropped, doubled, swapped, cut) and by the fields of a line, and now and then by bytes. Whatever they
are, assembling must end, throw nothing, and give a trace that holds together (`damage.check`).
``-max_total_time=300`` ends it after five minutes.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import atheris

with atheris.instrument_imports(include=["one_trace"]):
    from one_trace.assemble import assemble
    from one_trace.record import RunFiles

from tests.assemble.damage import assembled, check
from tests.assemble.generated import Maker
from tests.assemble.generated import run as run_made
from tests.assemble.recorded import lay_out

CASES = (
    "12-parallel-containers",
    "16-subflow-shared-parallel",
    "18-three-level",
    "24b-timeout-ghost-after-result",
    "49-resume-failed",
    "56-loop-conc-fail",
    "65-same-ids-across",
    "68-bigint",
)
MADE = range(6)
VALUES = (
    "success",
    "failed",
    "timeout",
    "skipped",
    "error",
    None,
    0,
    1,
    7,
    -1,
    1e300,
    2**70,
    [],
    {},
    "",
    True,
)
"""What a field may be given, beside what stands in that field of another line."""


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Two bytes that say which run and which of its files, then the file: damaged by its lines."""
    random = Random(seed)
    if len(data) < 3 or random.random() < 0.1:
        return bytes(atheris.Mutate(data, most))
    lines = data[2:].split(b"\n")
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        _damage(lines, random)
    return (data[:2] + b"\n".join(lines))[:most]


def _damage(lines: list[bytes], random: Random) -> None:
    at, other = random.randrange(len(lines)), random.randrange(len(lines))
    kind = random.choice(("drop", "double", "swap", "next", "move", "cut", "field", "field", "field"))
    if kind == "drop" and len(lines) > 1:
        del lines[at]
    elif kind == "double":
        lines.insert(other, lines[at])
    elif kind == "swap":
        lines[at], lines[other] = lines[other], lines[at]
    elif kind == "next" and at:
        lines[at - 1], lines[at] = lines[at], lines[at - 1]
    elif kind == "move":
        lines.insert(other, lines.pop(at))
    elif kind == "cut":
        lines[at] = lines[at][: random.randrange(len(lines[at]) + 1)]
    elif kind == "field":
        lines[at] = _field_changed(lines[at], lines[other], random)


def _field_changed(row: bytes, other: bytes, random: Random) -> bytes:
    line, donor = _members(row), _members(other)
    if not line:
        return row
    name = random.choice(sorted(line))
    if random.random() < 0.2:
        del line[name]
    elif name in donor and random.random() < 0.6:
        line[name] = donor[name]
    else:
        line[name] = random.choice(VALUES)
    return json.dumps(line, separators=(",", ":")).encode()


def _members(row: bytes) -> dict[str, Any]:
    try:
        found = json.loads(row)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def main() -> None:
    root = Path(tempfile.mkdtemp(prefix="one-trace-fuzz-"))
    corpus = root / "corpus"
    corpus.mkdir()
    runs = [lay_out(case, root / case)[0] for case in CASES]
    for seed in MADE:
        project = root / f"made-{seed}"
        project.mkdir()
        runs.append(run_made(Maker(Random(seed), trouble=True, wide=True).make(2), project)[0])
    for number, files in enumerate(runs):
        assert files.log is not None
        assert files.state is not None
        for kind in (0, 2):
            (corpus / f"{number}-log-{kind}").write_bytes(bytes([number, kind]) + files.log.read_bytes())
        (corpus / f"{number}-state").write_bytes(bytes([number, 1]) + files.state.read_bytes())
    damaged = root / "damaged"

    def one(data: bytes) -> None:
        if len(data) < 2:
            return
        files = runs[data[0] % len(runs)]
        damaged.write_bytes(data[2:])
        log, state = ((damaged, files.state), (files.log, damaged), (damaged, None))[data[1] % 3]
        check(
            assembled(
                RunFiles(
                    project=files.project, flow_key=files.flow_key, run_id=files.run_id, log=log, state=state
                )
            )
        )

    print(f"{len(runs)} runs, {assemble.__module__} instrumented, in {root}", flush=True)
    atheris.Setup([*sys.argv, "-max_len=200000", str(corpus)], one, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
