"""A reading of a record: driven, and held against the state in the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from one_trace.assemble.flowtree.tree import LEAVES
from one_trace.assemble.ground.choices import Choice, Choices, Picks
from one_trace.assemble.ground.executions import Execution, duration_of, outwards
from one_trace.assemble.ground.ground import Ground, Mode
from one_trace.assemble.ground.script import Conflict
from one_trace.assemble.reading.drive import Drive
from one_trace.assemble.reading.standing import Learned, Standing
from one_trace.assemble.search.doubts import close
from one_trace.assemble.search.settle import Settling, Unlike
from one_trace.engine.failures import StepFailure
from one_trace.model.trace import RunStatus

ROUNDS = 3
"""So many times a reading is made once more with what the state said at its end."""
BLAMED = 8
"""For so many results that are another's the owner is looked for."""
INSTEAD = 4
"""So many are tried in the place of what ended before a line that does not come."""
SILENT_MS = 15
"""How much longer or shorter a silent step may be than the lines around it."""


class End(NamedTuple):
    """How the flow ended. `failure`: what it threw; `guessed`: which silent step threw that is not known."""

    outcome: RunStatus | None
    failure: StepFailure | None
    guessed: bool


class Reading(Struct, eq=False):
    """`picks`: choices that were made in advance; `reached`: how far it came, and how much less is wrong
    there, the more the better; `twins`: pairs of which one is, by the state, what the other is said to be by
    the log; `runs`: how many were needed to find it; `whole`: the log is as it should be, whatever the state
    is; `misplaced`: what is wrong with lines that fit nowhere, unless another reading has a place for them;
    `is_last`: all that may be otherwise was tried; `late`: a line was written later than what it is of."""

    executions: list[Execution]
    choices: list[Choice]
    picks: Picks
    learned: Learned
    end: End
    reached: tuple[int, int]
    mode: Mode
    conflict: Conflict | None = None
    twins: list[tuple[Execution, Execution]] = field(default_factory=list)
    whole: bool = False
    misplaced: list[str] = field(default_factory=list)
    late: bool = False
    runs: int = 1
    is_last: bool = False

    @property
    def blamed(self) -> list[Execution]:
        return self.conflict.blamed if self.conflict is not None else []


def read(ground: Ground, picks: Picks, learned: Learned) -> Reading:
    """A reading; once more where the state tells in the end how long something silent took."""
    reading = _read(ground, picks, learned)
    for _ in range(ROUNDS):
        known = reading.learned
        if all(known.get(path) == learned.get(path) for path in known):
            break
        more = {**learned, **known}
        again = _read(ground, picks, more)
        if again.reached < reading.reached:
            reading.learned = learned  # that was of others
            break
        learned, reading = more, again
    return reading


def _read(ground: Ground, picks: Picks, learned: Learned) -> Reading:
    """A reading that was made already, or a new one."""
    known = ground.mode, frozenset((path, id(result)) for path, result in learned.items())
    found = ground.tried.find(known, picks)
    if found is None:
        found = read_once(ground, picks, learned)
        ground.tried.keep(known, found.choices, found, ground.size)
    else:
        ground.replayed += len(found.choices)  # those were compared
    return replace(found, picks=picks)


def read_once(ground: Ground, picks: Picks, learned: Learned, *, lenient: bool = False) -> Reading:
    """A new reading. `lenient`: it goes on where it is contradicted."""
    drive = Drive(ground, Choices(picks), learned, lenient=lenient)
    at, unlike = drive.at, list[Unlike]()
    conflict, twins = None, list[tuple[Execution, Execution]]()
    try:
        drive.run()
    except Conflict as why:
        conflict = Conflict(str(why), why.blamed, why.ended)  # without the frames that it came through
        twins = _ended_instead(at, conflict)
    whole = conflict is None
    if whole:
        unlike, news = _settle(drive)
        learned = {**learned, **news}
    if unlike:
        blamed = [each.of for each in unlike if each.of is not None]
        conflict = Conflict(unlike[0].why, blamed, _ended_last(unlike[0], at.executions))
        twins = _twins(unlike, at.executions)
    ground.replayed += at.script.cost
    ground.size = max(ground.size, at.script.cost)
    close(at)
    end = End(drive.outcome, drive.failure, drive.failure in at.notes.guessed)
    reached = at.script.cursor, -(len(unlike) if whole else _still_inside(at, conflict))
    return Reading(
        executions=at.executions,
        choices=at.choices.made,
        picks=picks,
        learned=learned,
        end=end,
        reached=reached,
        mode=ground.mode,
        conflict=conflict,
        twins=twins,
        whole=whole,
        misplaced=drive.tolerant.misplaced,
        late=at.script.late,
    )


def _still_inside(at: Standing, conflict: Conflict | None) -> int:
    """How much has yet to be over in that of the blamed in which it is the least: the less, the nearer the
    reading is to what does not come."""
    inside = dict.fromkeys(conflict.blamed if conflict is not None else (), 0)
    if not inside:
        return 0
    waiting = [each.of for several in at.pending.waiting.values() for each in several]
    for each in [*waiting, *(timer.of for timer in at.pending.timers)]:
        for around in outwards(each):
            if around in inside:
                inside[around] += 1
    return min(inside.values())


def _settle(drive: Drive) -> tuple[list[Unlike], Learned]:
    """What the state has otherwise, and what it tells of the silent ones."""
    at, ground = drive.at, drive.at.known.ground
    state = ground.record.state
    if state is None or state.context is None or not state.context.steps:
        return [], {}
    merging = any(each.node.type == "loop" and each.node.concurrency > 1 for each in at.executions)
    slack = 0 if at.known.exact else SILENT_MS
    settled = not at.known.expected.given_up
    settling = Settling(ground.stored, at.notes.forced, merging, slack, settled, _unwritten(at))
    settling.settle(at.notes.kept, state.context.steps)
    if ground.saved.later:
        return [], {}  # what it has otherwise may have come of what is not there
    return settling.unlike, settling.learned


def _ended_instead(at: Standing, conflict: Conflict) -> list[tuple[Execution, Execution]]:
    """What ended last, and what may have ended in its place: first what is in what should go on."""
    ended = (each for each in at.executions if each.lines[1] >= 0 and each.node.type in LEAVES)
    last = max(ended, key=lambda each: each.lines[1], default=None)
    if last is None:
        return []
    blamed = set(conflict.blamed)
    others = sorted(at.pending.open[last.node.id], key=lambda each: blamed.isdisjoint(outwards(each)))
    return [(last, each) for each in others[:INSTEAD]]


def _ended_last(unlike: Unlike, executions: list[Execution]) -> str | None:
    """The step whose end should have led to a result that is not there."""
    ended = [each for each in executions if each.where.above is unlike.of and each.lines[1] >= 0]
    if unlike.of is None or unlike.instead is not None or not ended:
        return None
    last = max(ended, key=lambda each: each.lines[1])
    return last.node.id if last.line is not None and last.line.event == "step:complete" else None


def _unwritten(at: Standing) -> dict[str, list[float]]:
    """How long what was open had run when the state was saved: killed then, it writes no line of its end."""
    saved, found = at.known.ground.saved, dict[str, list[float]]()
    if not at.going.killed or saved.line < 0:
        return found
    until = at.script.lines[saved.line].at
    for each in at.executions:
        if each.lines[0] >= 0 > each.lines[1] and each.where.go == at.going.number:
            found.setdefault(each.node.id, []).append(until - each.start)
    return found


def _twins(unlike: list[Unlike], executions: list[Execution]) -> list[tuple[Execution, Execution]]:
    """First those of which each is what the other should be, then those of which one is right as it is."""
    wrong = {each.of for each in unlike}
    found = list(dict.fromkeys(_alike(unlike[:BLAMED], executions)))
    pairs = set(found)
    return sorted(found, key=lambda pair: ((pair[1], pair[0]) not in pairs, pair[1] not in wrong))


def _alike(unlike: list[Unlike], executions: list[Execution]) -> Iterator[tuple[Execution, Execution]]:
    for each in unlike:
        if each.of is None or each.instead is None:
            continue
        for other in executions:
            if (
                other.node is each.of.node
                and other is not each.of
                and each.instead.status in (other.status, "failed")
                and duration_of(other) == each.instead.duration_ms
            ):
                yield each.of, other
