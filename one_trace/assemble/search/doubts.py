"""What is not certain of the silent ones, once a reading is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from one_trace.assemble.flowtree.tree import LEAVES
from one_trace.assemble.ground.choices import Choice
from one_trace.assemble.ground.executions import Execution, duration_of, is_at_limit, is_late, loud_around
from one_trace.assemble.ground.ground import Ground
from one_trace.assemble.reading.expected import SURE, UNLIKELY
from one_trace.assemble.reading.standing import Standing
from one_trace.engine.failures import StepFailure

OPEN = ("status", "durationMs", "late")
"""What is not certain of what is silent, in a reading by itself."""


def close(at: Standing) -> None:
    """Once a reading is made: what has events and no line of its end has not ended; what is not certain of
    the silent ones is marked."""
    at.executions = _seen(at.executions)
    silent = any(each.where.silent for each in at.executions)
    if silent and not at.known.exact:
        _begin_late(at.executions)
    writers = Counter(_slot(at, each) for each in at.executions) if silent else Counter[tuple[int, str]]()
    open_inside: set[Execution] = set()
    for each in reversed(at.executions):
        if each.failure is not None:
            _forget_frames(each.failure)
        if silent and is_late(each, either=True):
            each.doubt("late")
        if each.where.silent:
            _close_silent(at, each, writers, open_inside)
        elif each.lines[1] < 0 and each.status != "stopped":
            each.status, each.over, each.end = None, None, None
        elif each.status == "stopped" and each.where.go == at.going.number and _is_guessed_stop(at):
            each.status = None
        elif each.result is None:
            _take_alike(at, each)
    if silent:
        _doubt_batches(at)
        _doubt_lateness(at)


def _is_guessed_stop(at: Standing) -> bool:
    """It was killed, and no line tells that it was to stop."""
    return at.going.killed and at.known.ground.mode.stop_after is not None


def _begin_late(executions: list[Execution]) -> None:
    """What is silent began when its result says, seen from its end, if nothing in it began before that."""
    first: dict[Execution, float] = {}
    for each in reversed(executions):
        lasted = each.result.duration_ms if each.result is not None and each.where.silent else None
        if lasted is not None and each.end is not None:
            each.start = max(each.start, min(each.end - lasted, first.get(each, each.end)))
        if each.where.above is not None:
            first[each.where.above] = min(each.start, first.get(each.where.above, each.start))


def _seen(executions: list[Execution]) -> list[Execution]:
    """Without what would have left a line, and what runs in that."""
    gone: set[Execution | None] = set()
    for each in executions:
        unseen = each.lines[0] < 0 and each.lines[1] < 0 and not each.where.silent
        if unseen or (gone and each.where.above in gone):
            gone.add(each)
    return [each for each in executions if each not in gone] if gone else executions


def _close_silent(
    at: Standing, each: Execution, writers: Counter[tuple[int, str]], open_inside: set[Execution]
) -> None:
    """`writers`: how many have written each result; `open_inside`: blocks in which something is not known to
    be over."""
    expected, block = at.known.expected.of(each), each.where.above
    if each.result is not None:
        if _is_held_by_block(each):
            return
        failed = block is not None and block.status != "success"
        unsure = expected.level < SURE and (failed or writers[_slot(at, each)] > 1)
        if unsure or expected.level == UNLIKELY:
            each.doubt("outputBytes", "status", "durationMs", "late")
            if block is not None:
                open_inside.add(block)
        return
    unknown = each.node.type in LEAVES and each.status != "skipped"
    unknown = unknown or each in at.notes.forced or _ends_with_run(at, each) or is_at_limit(each)
    if unknown or each.over is None or each in open_inside or each in at.notes.unseen:
        each.doubt("status", "durationMs", "late")
        if block is not None:
            open_inside.add(block)


def _is_held_by_block(each: Execution) -> bool:
    """Its result is one of those that a block holds which has events."""
    block = each.where.above
    while block is not None and block.result is not None and block.status == "success":
        if not block.where.silent:
            return True
        block = block.where.above
    return False


def _slot(at: Standing, each: Execution) -> tuple[int, str]:
    """Which map its result stands in, and under which id."""
    around = at.known.expected.of(each).around
    return (id(around), each.node.id) if around is not None else (0, "")


def _forget_frames(failure: StepFailure) -> None:
    """Those that it came through refer to executions, which the garbage collector does not look at."""
    failure.__traceback__ = failure.__context__ = None


def _ends_with_run(at: Standing, each: Execution) -> bool:
    """The run was killed at that time, or failed, which ends its process, and no line tells which of the two
    was first."""
    go = at.known.ground.goes[each.where.go - 1]
    if each.end is None or go.end == go.begin or each.end < at.script.lines[go.end - 1].at:
        return False
    return go.killed or (go.failed and not _has_ended_in(each))


def _has_ended_in(each: Execution) -> bool:
    """What has waited for it has ended with a line."""
    above = loud_around(each)
    return above is None or (above.lines[1] >= 0 and above.status == "success")


def _doubt_lateness(at: Standing) -> None:
    """Of what runs where the end of what it runs in is not known."""
    for each in at.executions:
        above = each.where.above
        if above is None or not above.where.silent:
            continue
        if above.over is None or _ends_with_run(at, above) or "status" in (above.doubts or ()):
            each.doubt("late")


def _doubt_batches(at: Standing) -> None:
    """What began when something ended of which it is not known when has no certain duration either; and if it
    has left no sign, it may not have begun, nor what is in it."""
    unsure: set[tuple[int, int | None]] = set()
    perhaps: set[Execution] = set()
    signs = _with_signs(at.executions)
    for each in at.executions:
        where = each.where
        if not where.silent or where.above is None or where.index is None:
            continue
        key = where.above.number, where.attempt
        later = key in unsure and where.index >= where.above.node.concurrency
        if (later or where.above in perhaps) and each.result is None:
            each.doubt(*OPEN)
            if each not in signs:
                perhaps.add(each)
        if each.doubts is not None and "status" in each.doubts:
            unsure.add(key)


def _with_signs(executions: list[Execution]) -> set[Execution]:
    """In which something has lines."""
    found: set[Execution] = set()
    for each in reversed(executions):
        if each.where.above is not None and (each.lines[0] >= 0 or each in found):
            found.add(each.where.above)
    return found


def _take_alike(at: Standing, each: Execution) -> None:
    """A result that looks as its own would. In a sub-flow, which is not validated, it may be that of a later
    step with the same id."""
    result, line = at.known.expected.of(each).result, each.line
    again = sum(node.id == each.node.id for node in each.node.step_list.nodes) > 1
    if not again or result is None or line is None or line.event != "step:complete":
        return
    if result.status == line.status and result.duration_ms == line.reported_ms:
        each.result = result
        each.doubt("outputBytes")


def is_belied(ground: Ground, of: Execution, choice: Choice) -> bool:
    """What the state was found to have of it, in a place of its own, is not what the line says."""
    line, result = ground.record.lines[choice.key.at], of.result
    if choice.key.kind != "end" or line.event != "step:complete" or result is None:
        return False
    expected, chosen = of.expected, choice.chosen.of.expected
    if expected is None or expected.result is None or expected.level <= UNLIKELY:
        return False
    if chosen is not None and chosen.around is expected.around is not None:
        return False  # either may have written it last
    found = result.status, result.duration_ms
    is_its = found == (expected.result.status, expected.result.duration_ms)  # or a stale one stands there
    return is_its and found != (line.status, line.reported_ms)


def doubt_what_differs(
    ours: list[Execution],
    others: list[Execution],
    names: tuple[str, ...],
    size: Callable[[Execution], int | None] = lambda _: None,
) -> None:
    """Of two readings' executions. `size`: how large was what went in, as measured for the line that began
    it."""
    theirs: dict[str, list[Execution]] = {}
    for each in others:
        theirs.setdefault(each.path, []).append(each)
    lasted = {(each.node, *_lasted(each)) for each in others}
    for each in ours:
        alike = theirs.get(each.path)
        other = alike.pop(0) if alike else None
        if other is None or reported(each) != reported(other) or size(each) != size(other):
            each.doubt(*names)
            if (each.node, *_lasted(each)) not in lasted:
                each.doubt("durationMs")  # none of its step began then and took as long
        elif _output(each) != _output(other):
            each.doubt("outputBytes")
        if other is not None and other.doubts is not None:
            each.doubt(*other.doubts.intersection(OPEN))


def _lasted(each: Execution) -> tuple[object, ...]:
    return (None if each.where.silent else each.start), duration_of(each)


def reported(each: Execution) -> tuple[object, ...]:
    """What a trace says of it, by which two readings are compared."""
    silent = each.where.silent
    return (
        None if silent else each.start,
        None if silent else each.end,
        duration_of(each),
        each.status,
        each.attempts,
        is_late(each),
    )


def _output(each: Execution) -> bytes | None:
    return bytes(each.result.output) if each.result is not None else None
