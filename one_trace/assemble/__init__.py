"""A record becomes a run with its spans. See README.md in this folder for the method."""

from __future__ import annotations

import importlib
import os
from collections.abc import Collection
from typing import cast

from one_trace.assemble.agree.foreseen import contradicted_by, foresee, misled
from one_trace.assemble.agree.settled import Saved, drop_orphaned, settle, settled
from one_trace.assemble.flowtree.planned import tell_plan
from one_trace.assemble.live.around import let_go
from one_trace.assemble.live.facts import Facts
from one_trace.assemble.live.state import Foreseen, LiveSpan, Scope
from one_trace.assemble.live.tolerance import CLOCK_MS
from one_trace.assemble.reading.notes import Notes, lines_of
from one_trace.assemble.reading.replay import Replay
from one_trace.assemble.search.search import Search
from one_trace.assemble.sizes.compact import member_count
from one_trace.assemble.sizes.inputs import Inputs
from one_trace.assemble.sizes.measured import Measured
from one_trace.assemble.sizes.usage import drop_copies, take_parts
from one_trace.assemble.spans.cause import find_cause
from one_trace.assemble.spans.commands import command_ends, may_be_told
from one_trace.assemble.spans.document import born, name_doubts, spans_of
from one_trace.assemble.spans.order import in_order, span_ids
from one_trace.assemble.spans.timing import drop_too_short, settle_children
from one_trace.assemble.spans.whole import run_of, saved_status, start_of, trace_id
from one_trace.errors import RecordError
from one_trace.model.explanation import Explanation
from one_trace.model.gc import held_back
from one_trace.model.trace import Assembly, Run, Span, Trace
from one_trace.record.reading import Record

__all__ = ["assemble", "explain", "trace_id"]

_BYTES_A_LINE = 4096
"""What of the results a replay may look up takes it about as long as a line of log."""
_FORESIGHTS = 4
"""How often a log is replayed with what the readings before it have told of the state, at most."""


def assemble(record: Record, outputs_of: Collection[str] = (), *, ending: bool = False) -> Assembly:
    """The run that a record tells of. A damaged record gives a partial run that says so in `run.partial`.
    `outputs_of`: ids of spans whose outputs are wanted. `ending`: this process ends soon, and memory that is
    given back would only take time."""
    if os.environ.get("ONE_TRACE_ASSEMBLER") == "engine":
        by_engine = importlib.import_module("one_trace.assembler")  # the room above, on trial
        return cast("Assembly", by_engine.assemble(record, outputs_of, ending=ending))
    with held_back():
        try:
            return _assemble(record, outputs_of, ending=ending)
        except RecursionError as error:
            files = record.files
            wrong = f"run {files.run_id} of {files.flow_key}: its steps are nested too deeply"
            raise RecordError(wrong) from error


def _assemble(record: Record, outputs_of: Collection[str], *, ending: bool) -> Assembly:
    replay = _read(record)
    over = record.lines[-1].at if record.lines else 0
    spans = _settled(record, replay, over)
    started_at, start = start_of(record)
    ordered = in_order(spans, lambda span: span.act.span)
    ids = span_ids(ordered, trace_id(record.files.run_id, started_at))
    made = spans_of(ordered, ids, start, over)
    name_doubts(replay, ordered, made)
    drop_copies(made)
    parts = take_parts(made)
    ends = _weigh_inputs(record, ordered, made)
    run = _run_of(record, replay, made, (started_at, start))
    if run.status == "error":
        run.cause = find_cause(replay, spans, ids)
    assembly = Assembly(
        trace=Trace(run=run, spans=made),
        model_parts=parts,
        input_count=member_count(record.state.inputs) if record.state is not None else None,
        command_ends=ends,
        outputs=_outputs(ordered, made, outputs_of),
    )
    if not ending:
        let_go(replay.world.spans)
    if record.flow is not None:
        tell_plan(assembly, record, record.flow, replay.trees)
    return assembly


def _run_of(record: Record, replay: Replay, spans: list[Span], start: tuple[str, float]) -> Run:
    seen, status = replay.seen, replay.seen.outcome or saved_status(record)
    return run_of(
        record,
        spans,
        start,
        status=status,
        ended=seen.ended_at if status != "incomplete" else None,
        faults=record.faults + replay.faults,
        others=seen.others,
    )


def _read(record: Record) -> Replay:
    """The reading of the log that nothing contradicts, with the results of its spans."""
    facts = Facts(record.lines, record.clock)

    def late() -> bool:
        return not facts.exact

    def search(foreseen: Foreseen, spent: int) -> tuple[Replay, int]:
        """A reading, and how many replays it took."""
        search = Search(lambda doubts: Replay(record, facts, doubts, foreseen), count, late, spent)
        found = search.settle()
        settle(found.world.spans, _saved(record, found))
        return found, search.replays

    count = len(record.lines) + _held_bytes(record) // _BYTES_A_LINE
    replay, _ = search({}, 0)
    foreseen: Foreseen = {}
    spent = 0
    for again in range(_FORESIGHTS):
        spans = replay.world.spans
        if again and not any(map(contradicted_by, spans)):
            break
        if not any(span.shown.doubtful or _ran_skipped(span) or misled(span) for span in spans):
            break
        drop_too_short(replay.world)
        # which run of a repeated container was the last is known now, and so what its children left
        more = foresee(spans)
        if not more.keys() - foreseen.keys():
            break
        foreseen = foreseen | more
        found, took = search(foreseen, spent)
        spent += took
        if len(found.doubts.accepted) > len(replay.doubts.accepted):
            break
        replay = found
    return replay


def explain(record: Record) -> Explanation:
    """What was weighed and chosen at each line of the log, for the reading that `assemble` gives."""
    if os.environ.get("ONE_TRACE_ASSEMBLER") == "engine":
        return cast("Explanation", importlib.import_module("one_trace.assembler.explained").explain(record))
    with held_back():
        found = _read(record)
        notes = Notes()
        Replay(record, found.world.facts, found.doubts.again(notes), found.foreseen).run()
    lines = lines_of(notes, record.lines)
    chosen = sum(line.is_open for line in lines)
    return Explanation(run_id=record.files.run_id, total=len(record.lines), chosen=chosen, lines=lines)


def _settled(record: Record, replay: Replay, over: float) -> list[LiveSpan]:
    """All spans that there were, with their times and results."""
    spans = replay.world.spans
    overs = [*replay.seen.overs, over]
    for span in spans:
        if span.retried:
            _without_announced(span, overs[span.act.resume - 1])
    settle_children(replay.world, over, _saved(record, replay))
    drop_orphaned(spans)
    return born(spans)


def _outputs(ordered: list[LiveSpan], made: list[Span], wanted: Collection[str]) -> dict[str, bytes]:
    return {
        shown.span_id: bytes(span.shown.result.output)
        for span, shown in zip(ordered, made, strict=True)
        if shown.span_id in wanted and span.shown.result is not None
    }


def _saved(record: Record, replay: Replay) -> Saved:
    saved = replay.saves.saved
    return Saved(saved, record.lines[saved].at if saved >= 0 else 0)


def _held_bytes(record: Record) -> int:
    context = record.state.context if record.state is not None else None
    return sum(memoryview(raw).nbytes for raw in context.steps.values()) if context is not None else 0


def _ran_skipped(span: LiveSpan) -> bool:
    """Something was taken to run in an unlogged child that was skipped."""
    result = span.shown.result
    return (
        span.slot >= 0
        and result is not None
        and result.status == "skipped"
        and any(act.progress.first_index is not None for act in span.acts)
    )


def _without_announced(span: LiveSpan, over: float) -> None:
    """An attempt that was announced, but not begun before the end, was not made."""
    if abs(span.retried[-1] - over) <= CLOCK_MS:
        span.shown.unsure_attempts = not span.acts or span.acts[-1].progress.first_index is None
    while span.retried and span.retried[-1] > over:
        span.retried = span.retried[:-1]
        span.attempts -= 1
        if span.acts and span.acts[-1].attempt > span.attempts:
            for child in span.acts.pop().children:
                child.shown.born = False


def _weigh_inputs(record: Record, spans: list[LiveSpan], made: list[Span]) -> dict[str, int]:
    """Give each span the size of its input; how much of the errors of commands are the commands."""
    measured, inputs = Measured(record), Inputs(record)
    for span, shown in zip(spans, made, strict=True):
        scope: Scope | None = span.scope
        while scope is not None and not scope.settled:
            settled(scope)
            scope = scope.parent
        if shown.status == "skipped":
            continue
        shown.input_bytes = measured.bytes_of(span)
        if shown.input_bytes is None and span.placed:
            shown.input_bytes = inputs.bytes_of(span)
            shown.derived.append("inputBytes")
    pairs = zip(spans, made, strict=True)
    return command_ends(inputs, [pair for pair in pairs if may_be_told(pair[1])])
