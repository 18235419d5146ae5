"""Sizes that were measured while the run ran: which of them is this span's.

They are distinguished by what stands in the log, so that this is exact wherever the log is whole: a span
knows the line that began it.
"""

from __future__ import annotations

from collections import Counter

from one_trace.assemble.sizes.views import View
from one_trace.record.reading import Record
from one_trace.record.sizes import Address, Invocation


class Measured:
    """What the record's file of sizes says of spans."""

    def __init__(self, record: Record) -> None:
        self._begun: dict[int, tuple[Invocation, Address]] = {}
        """The ``step:start`` lines of the goes that were measured, by index."""
        if record.sizes:
            self._number(record)

    @property
    def any(self) -> bool:
        return bool(self._begun)

    def _number(self, record: Record) -> None:
        go: Invocation | None = None
        seen: Counter[str] = Counter()
        goes: list[tuple[Invocation, Counter[str]]] = []
        for index, line in enumerate(record.lines):
            if line.event is None and line.msg in ("Flow started", "Flow resumed"):
                go, seen = record.sizes.get(line.ts), Counter()
                if go is not None:
                    goes.append((go, seen))
            elif go is not None and line.event == "step:start" and line.step_id is not None:
                seen[line.step_id] += 1
                self._begun[index] = go, (line.step_id, seen[line.step_id], ())
        # Where lines of the log are missing, the nth there is not the nth that was measured.
        lost = {(id(go), step) for go, seen in goes for step, nth, _ in go.bytes if nth > seen[step]}
        for index, (go, (step, _, _)) in list(self._begun.items()) if lost else ():
            if (id(go), step) in lost:
                del self._begun[index]

    def bytes_of(self, span: View) -> int | None:
        """The size of what went into a span; None where it was not measured."""
        if not self._begun:
            return None
        child: tuple[int, ...] = ()
        again = span.node.type == "while" or span.attempts > 1 or span.unsure_attempts
        while span.slot >= 0:
            child = (span.container.attempt, span.slot, *child)
            owner = span.container.span
            if owner is None:
                return None
            span = owner
        begun = self._begun.get(span.begun)
        if begun is None:
            return None
        go, (step, nth, _) = begun
        if again and not go.whole:
            return None  # there may be no line for its last iteration or attempt
        return go.bytes.get((step, nth, child))
