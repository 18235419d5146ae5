"""Coverage-guided damage, by hand: ``pip install atheris``, then ``python -m tests.assemble.fuzz``.

The bytes stand for the log, the state or the flow file of a run, recorded or made. They are damaged by lines
(dropped, doubled, swapped, cut), by the fields of a line, by values anywhere in state and flow, and now and
then by bytes. Whatever they are, assembling must end, throw nothing, and give a trace that holds together
(`damage.check`) and can be drawn and exported.
``-max_total_time=300`` ends it after five minutes.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import atheris
from msgspec.structs import replace

with atheris.instrument_imports(include=["one_trace"]):
    from one_trace.assemble import assemble
    from one_trace.export.formats import FORMATS
    from one_trace.record.files import RunFiles
    from one_trace.record.flows import FlowFiles
    from one_trace.view.tree import render

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
LOG, STATE, LOG_ALONE, FLOW = range(4)
"""Which file the bytes stand for."""
VALUES: tuple[Any, ...] = (
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
    float("inf"),
    float("nan"),
    2**70,
    "\ud800",
    "9999-12-31T23:59:59.999Z",
    "-000001-01-01T00:00:00.000Z",
    [],
    {},
    "",
    True,
)
"""What a field may be given, beside what stands in that field of another line."""


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Two bytes that say which run and which of its files, then the file: damaged by its lines or values."""
    random = Random(seed)
    if len(data) < 3 or random.random() < 0.1:
        return bytes(atheris.Mutate(data, most))
    if data[1] % 4 in (STATE, FLOW) and random.random() < 0.9:
        return (data[:2] + _value_changed(data[2:], random))[:most]
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


def _value_changed(text: bytes, random: Random) -> bytes:
    """One value, at any depth, becomes another: one of ours, or one that stands elsewhere."""
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return text
    places = list(_places(whole))
    if not places:
        return text
    holder, name = random.choice(places)
    if random.random() < 0.2:
        del holder[name]
    elif random.random() < 0.3:
        other, from_ = random.choice(places)
        holder[name] = json.loads(json.dumps(other[from_]))
    else:
        holder[name] = random.choice(VALUES)
    return json.dumps(whole).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    todo = [value]
    while todo:
        holder = todo.pop()
        if isinstance(holder, dict | list):
            names = list(holder) if isinstance(holder, dict) else range(len(holder))
            yield from ((holder, name) for name in names)
            todo += [holder[name] for name in names]


def _members(row: bytes) -> dict[str, Any]:
    try:
        found = json.loads(row)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def flow_file(files: RunFiles) -> Path:
    flow = FlowFiles(files.project).with_key(files.flow_key)
    assert flow is not None
    return flow.path


def main() -> None:
    root = Path(tempfile.mkdtemp(prefix="one-trace-fuzz-"))
    corpus = root / "corpus"
    corpus.mkdir()
    runs = [lay_out(case, root / case)[0] for case in CASES]
    for seed in MADE:
        project = root / f"made-{seed}"
        project.mkdir()
        runs.append(run_made(Maker(Random(seed), problem=True, wide=True).make(2), project)[0])
    for number, files in enumerate(runs):
        assert files.log is not None
        assert files.state is not None
        for kind in (LOG, LOG_ALONE):
            (corpus / f"{number}-log-{kind}").write_bytes(bytes([number, kind]) + files.log.read_bytes())
        (corpus / f"{number}-state").write_bytes(bytes([number, STATE]) + files.state.read_bytes())
        (corpus / f"{number}-flow").write_bytes(bytes([number, FLOW]) + flow_file(files).read_bytes())
    flows = {files.project: flow_file(files) for files in runs}
    damaged = root / "damaged"

    def one(data: bytes) -> None:
        if len(data) < 2:
            return
        files = runs[data[0] % len(runs)]
        kind, flow = data[1] % 4, flows[files.project]
        whole = flow.read_bytes()
        (flow if kind == FLOW else damaged).write_bytes(data[2:])
        log = damaged if kind in (LOG, LOG_ALONE) else files.log
        state = {STATE: damaged, LOG_ALONE: None}.get(kind, files.state)
        try:
            trace = assembled(replace(files, log=log, state=state))
        finally:
            flow.write_bytes(whole)
        check(trace)
        if trace is not None:
            render(trace, width=80, color=False)
            for form in FORMATS.values():
                form(trace)

    print(f"{len(runs)} runs, {assemble.__module__} instrumented, in {root}", flush=True)
    atheris.Setup([*sys.argv, "-max_len=200000", str(corpus)], one, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
