"""What is not certain of the silent ones, once a reading is made."""

from __future__ import annotations

from collections import Counter

from one_trace.assembler.executions import Execution, is_late
from one_trace.assembler.expected import SURE, UNLIKELY
from one_trace.assembler.pending import LEAVES
from one_trace.assembler.standing import Standing


def close(at: Standing) -> None:
    """What has events ends with one; and what is certain of the silent ones."""
    gone: set[Execution | None] = set()
    for each in at.executions:
        unseen = not each.where.silent and max(each.lines) < 0
        if unseen or each.where.above in gone:
            gone.add(each)
    at.executions = [each for each in at.executions if each not in gone]
    writers = _writers(at)
    open_inside: set[Execution] = set()
    for each in reversed(at.executions):
        _forget_frames(each)
        if is_late(each, either=True):
            each.doubt("late")
        if not each.where.silent:
            if each.lines[1] < 0 and each.status != "stopped":
                each.status, each.over, each.end = None, None, None
            elif each.result is None:
                _take_alike(at, each)
            continue
        expected = at.known.expected.of(each)
        if each.result is not None:
            block = each.where.above
            failed = block is not None and block.status != "success"
            if expected.level == UNLIKELY or (
                expected.level < SURE and (failed or writers[expected.slot] > 1)
            ):
                each.doubt("outputBytes", "status", "durationMs", "late")
            continue
        unknown = each.node.type in LEAVES and each.status != "skipped"
        unknown = unknown or each in at.notes.forced
        if unknown or each.over is None or each in open_inside or each in at.notes.unseen:
            each.doubt("status", "durationMs", "late")
            if each.where.above is not None:
                open_inside.add(each.where.above)
    _doubt_batches(at)


def _writers(at: Standing) -> Counter[tuple[int, str]]:
    """How many have written each result, where any may have done so silently."""
    if not any(each.where.silent for each in at.executions):
        return Counter()
    return Counter(at.known.expected.of(each).slot for each in at.executions)


def _forget_frames(each: Execution) -> None:
    """Those that its failure came through refer to it, which the garbage collector would not see."""
    if each.failure is not None:
        each.failure.__traceback__ = each.failure.__context__ = None


def _doubt_batches(at: Standing) -> None:
    """What began when something ended of which it is not known when has no certain duration either."""
    unsure: set[tuple[int, int | None]] = set()
    for each in at.executions:
        where = each.where
        if not where.silent or where.above is None or where.index is None:
            continue
        key = where.above.number, where.attempt
        later = where.index >= where.above.node.concurrency
        if key in unsure and later and each.result is None:
            each.doubt("status", "durationMs", "late")
        if each.doubts is not None and "status" in each.doubts:
            unsure.add(key)


def _take_alike(at: Standing, each: Execution) -> None:
    """A result that looks as its own would, and may be that of a later step with its id, in
    a sub-flow, which is not validated."""
    result, line = at.known.expected.of(each).result, each.line
    again = sum(node.id == each.node.id for node in each.node.step_list.nodes) > 1
    if not again or result is None or line is None or line.event != "step:complete":
        return
    if result.status == line.status and result.duration_ms == line.reported_ms:
        each.result = result
        each.doubt("outputBytes")
