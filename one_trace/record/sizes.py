"""The sizes of what went into the steps of a run, as the built-in runner measured them while it ran.

``.one/flows/.sizes/<key>-<runId>.jsonl`` has, for each invocation (the first, and one for each resume), a
line ``{"run": id, "go": ts}``, where `ts` is that of the first log line of the invocation. Then a line for
each measured execution: ``{"n": number, "step": id, "nth": n, "child": [...], "bytes": b}``, the nth
``step:start`` of this id in this invocation. A direct child of `parallel` has no such line in the log:
`child` leads to it from the nearest step around it that has one, by the attempt and the index for each block
on the way. A later line for the same execution (the next iteration of a `while`, the next attempt) replaces
the one before; null: unknown. To show that none is missing, these lines are numbered from 1, and an
invocation that was not killed ends with ``{"end": count}``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from one_trace.guard.files import LOG_LIMIT, read_plain
from one_trace.record.tolerant import MOST, UNREADABLE

Address = tuple[str, int, tuple[int, ...]]
"""`step`, `nth` and `child` of an execution."""


class Invocation(Struct):
    """The sizes measured in one invocation. `whole`: no size after these is missing."""

    bytes: dict[Address, int | None] = {}
    whole: bool = False


Sizes = dict[str, Invocation]
"""By the time at which the invocation began."""


class _Line(Struct, gc=False):
    """A line of any kind."""

    n: int = 0
    end: int | None = None
    run: str = ""
    go: str = ""
    step: str | None = None
    nth: int = 0
    child: tuple[int, ...] = ()
    bytes: Annotated[int, Meta(ge=0, le=MOST)] | None = None


_lines = msgspec.json.Decoder(_Line)


def read_sizes(path: Path | None, run_id: str) -> Sizes:
    """The measured sizes. An invocation with a line that is unreadable, missing or out of order counts as not
    measured at all; its last line may be cut."""
    sizes: Sizes = {}
    invocation: Invocation | None = None
    count = 0
    damaged = False
    for row in _rows(path):
        try:
            line = _lines.decode(row)
        except UNREADABLE:
            damaged = True
            continue
        if line.go:
            invocation, count, damaged = Invocation(), 0, False
            if line.run == run_id:
                sizes[line.go] = invocation
        elif invocation is None:
            continue
        elif not damaged and not invocation.whole and line.end == count:
            invocation.whole = True
        elif damaged or invocation.whole or line.step is None or line.n != count + 1:
            invocation.bytes.clear()
            invocation = None
        else:
            count += 1
            invocation.bytes[(line.step, line.nth, line.child)] = line.bytes
    return sizes


def _rows(path: Path | None) -> list[bytearray]:
    try:
        data = read_plain(path, LOG_LIMIT) if path else bytearray()
    except OSError:
        return []  # most runs have none
    return [row for row in data.split(b"\n") if row]
