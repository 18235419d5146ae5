"""The sizes of what went into the steps of a run, as the built-in runner measured them while it ran.

``.one/flows/.sizes/<key>-<runId>.jsonl`` has for each go of the run a line ``{"run": id, "go": ts}``, where
`ts` is that of the log's line with which the go begins, then a line for each measured execution:
``{"n": number, "step": id, "nth": n, "child": [...], "bytes": b}``, the nth ``step:start`` of this id in this
go. A direct child of `parallel` has no such line: `child` leads to it from the step around it that has one,
by the attempt and the index for each block on the way. A later line for an execution, at the next turn of a
`while` or the next attempt, replaces one before; null: not known. So that none is missing unnoticed, these
lines are numbered from 1 on, and a go that was not killed ends with ``{"end": how many}``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from one_trace.guard.files import LOG_LIMIT, read_plain
from one_trace.record.state import UNREADABLE

Address = tuple[str, int, tuple[int, ...]]
"""`step`, `nth` and `child` of an execution."""


@dataclass(slots=True)
class Go:
    """What was measured in one go of the run. `whole`: there is no later size of any execution in it."""

    bytes: dict[Address, int | None] = field(default_factory=dict)
    whole: bool = False


Sizes = dict[str, Go]
"""By the time at which the go began."""


class _Line(Struct, gc=False):
    """Any kind of line."""

    n: int = 0
    end: int | None = None
    run: str = ""
    go: str = ""
    step: str | None = None
    nth: int = 0
    child: tuple[int, ...] = ()
    bytes: Annotated[int, Meta(ge=0, le=2**53)] | None = None


_lines = msgspec.json.Decoder(_Line)


def read_sizes(path: Path | None, run_id: str) -> Sizes:
    """What was measured. Of a go in which a line cannot be read, is missing or not in its place nothing is
    believed, but that its last line may be cut."""
    sizes: Sizes = {}
    go: Go | None = None
    lines = 0
    damaged = False
    for row in _rows(path):
        try:
            line = _lines.decode(row)
        except UNREADABLE:
            damaged = True
            continue
        if line.go:
            go, lines, damaged = Go(), 0, False
            if line.run == run_id:
                sizes[line.go] = go
        elif go is None:
            continue
        elif not damaged and not go.whole and line.end == lines:
            go.whole = True
        elif damaged or go.whole or line.step is None or line.n != lines + 1:
            go.bytes.clear()
            go = None
        else:
            lines += 1
            go.bytes[(line.step, line.nth, line.child)] = line.bytes
    return sizes


def _rows(path: Path | None) -> list[bytearray]:
    if path is None:
        return []
    try:
        data = read_plain(path, LOG_LIMIT)
    except OSError:
        return []  # most runs have none
    return [row for row in data.split(b"\n") if row]
