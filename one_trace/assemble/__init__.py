"""A record becomes a run with its spans. See README.md in this folder for the method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from functools import partial

from msgspec import UNSET

from one_trace.assemble.agree.results import Saved, contradicted_by, drop_orphaned, foresee, misled, settle
from one_trace.assemble.flowtree.planned import plan_of, version_of
from one_trace.assemble.flowtree.trees import Trees
from one_trace.assemble.live.facts import Facts
from one_trace.assemble.live.state import CLOCK_MS, Foreseen, LiveSpan, let_go
from one_trace.assemble.reading.replay import Replay
from one_trace.assemble.search.search import Search
from one_trace.assemble.sizes.compact import compact_bytes, member_count
from one_trace.assemble.sizes.inputs import Inputs
from one_trace.assemble.sizes.measured import Measured
from one_trace.assemble.sizes.usage import add, drop_copies, take_parts, usage_of
from one_trace.assemble.spans.cause import find_cause, timeout_code
from one_trace.assemble.spans.commands import command_ends
from one_trace.assemble.spans.lateness import Stopped, lateness
from one_trace.assemble.spans.timing import drop_too_short, settle_children
from one_trace.errors import RecordError
from one_trace.guard.text import valid
from one_trace.model.digest import blake2b
from one_trace.model.gc import held_back
from one_trace.model.times import to_iso, to_ms
from one_trace.model.trace import Assembly, Counts, Executor, Run, RunStatus, Span, SpanStatus, Trace
from one_trace.record.flows import FlowFile
from one_trace.record.reading import Record

__all__ = ["assemble", "trace_id"]

_BYTES_A_LINE = 4096
"""What of the results a replay may look up takes it about as long as a line of log."""
_FORESIGHTS = 4
"""How often a log is replayed with what the readings before it have told of the state, at most."""
_UNSETTLED = ("path", "parentSpanId", "iteration", "status", "durationMs", "attempts", "retries", "late")


def trace_id(run_id: str, started_at: str) -> str:
    """32 hex digits, from the run's id and start alone."""
    return blake2b(f"{run_id}|{started_at}".encode("utf-8", "replace"), digest_size=16).hexdigest()


def assemble(record: Record, outputs_of: Collection[str] = ()) -> Assembly:
    """The run that a record tells of. A damaged record gives a partial run that says so in `run.partial`.
    `outputs_of`: ids of spans whose outputs are wanted."""
    with held_back():
        try:
            return _assemble(record, outputs_of)
        except RecursionError as error:
            files = record.files
            wrong = f"run {files.run_id} of {files.flow_key}: its steps are nested too deeply"
            raise RecordError(wrong) from error


def _assemble(record: Record, outputs_of: Collection[str]) -> Assembly:
    facts = Facts(record.lines, record.clock)

    def late() -> bool:
        return not facts.exact

    count = len(record.lines) + _held_bytes(record) // _BYTES_A_LINE
    replay = Search(lambda doubts: Replay(record, facts, doubts), count, late).settle()
    over = record.lines[-1].at if record.lines else 0
    spans = replay.world.spans
    settle(spans, _saved(record, replay))
    foreseen: Foreseen = {}
    spent = 0
    for _ in range(_FORESIGHTS):
        if not any(span.doubtful or _ran_skipped(span) or misled(span) for span in spans):
            break
        drop_too_short(replay.world)
        # which run of a repeated container was the last is known now, and so what its children left
        more = foresee(spans)
        if not more.keys() - foreseen.keys():
            break
        foreseen = foreseen | more
        search = Search(partial(Replay, record, facts, foreseen=foreseen), count, late, spent)
        again = search.settle()
        spent += search.replays
        if len(again.doubts.accepted) > len(replay.doubts.accepted):
            break
        replay, spans = again, again.world.spans
        settle(spans, _saved(record, replay))
        if search.exhausted or not any(map(contradicted_by, spans)):
            break
    overs = [*replay.overs, over]
    for span in spans:
        if span.retried:
            _without_announced(span, overs[span.act.go - 1])
    settle_children(replay.world, over, _saved(record, replay))
    drop_orphaned(spans)
    spans = _born(spans)
    started_at, start = _start(record)
    ordered = _in_order(spans)
    ids = _ids(ordered, trace_id(record.files.run_id, started_at))
    orders: Counter[int] = Counter()
    doubts = replay.doubts
    stopped: Stopped = {}
    made = [_span(span, ids, start, orders, over, stopped) for span in ordered]
    unsure = _name_unsettled(made) if doubts.unsettled else 0
    unsure_ends = [shown for span, shown in zip(ordered, made, strict=True) if span.unsure_end]
    if unsure_ends and not facts.exact:
        _name_too(unsure_ends, ["durationMs"])
    if doubts.strained:
        _name_too([span for span in made if "iteration" in span.derived], ["durationMs"])
    if unsure:
        replay.faults.append(
            f"no reading of the log was found that nothing contradicts: {unsure} spans may be others"
        )
    drop_copies(made)
    parts = take_parts(made)
    inputs = Inputs(record)
    _weigh_inputs(record, inputs, ordered, made)
    ends = command_ends(inputs, ordered, made)
    run = _run(record, replay, made, started_at, start)
    if run.status == "error":
        run.cause = find_cause(replay, spans, ids)
    outputs = {
        shown.span_id: bytes(span.result.output)
        for span, shown in zip(ordered, made, strict=True)
        if shown.span_id in outputs_of and span.result is not None
    }
    let_go(replay.world.spans)
    assembly = Assembly(
        trace=Trace(run=run, spans=made),
        model_parts=parts,
        input_count=member_count(record.state.inputs) if record.state is not None else None,
        command_ends=ends,
        outputs=outputs,
    )
    if record.flow is not None:
        _tell_plan(assembly, record, record.flow, replay.trees)
    return assembly


def _tell_plan(assembly: Assembly, record: Record, flow: FlowFile, trees: Trees) -> None:
    """What the run was made of, where the flow files are still those of then."""
    plan = plan_of(trees, trees.root(flow.key, flow))  # which reads the flows that are called, too
    called = [other for other in trees.known_flows() if other is not flow]
    if record.changed_since([flow.path, *(other.path for other in called)]):
        assembly.flow_changed = True
        return
    assembly.flow_version = version_of(flow, called)
    assembly.plan = plan
    assembly.static_paths = [step.path for step in plan]
    assembly.step_timeouts = {step.path: step.timeout_ms for step in plan if step.timeout_ms is not None}


def _saved(record: Record, replay: Replay) -> Saved:
    saved = replay.saved
    return Saved(saved, record.lines[saved].at if saved >= 0 else 0)


def _name_unsettled(spans: list[Span]) -> int:
    """Where something contradicts every reading that was tried, each span of a step of which one may be
    another says that it may, and in what. How many these are."""
    steps = {span.step_id for span in spans if {"iteration", "path"} & set(span.derived)}
    unsure = [span for span in spans if span.step_id in steps]
    _name_too(unsure, _UNSETTLED)
    return len(unsure)


def _name_too(spans: list[Span], names: Iterable[str]) -> None:
    for span in spans:
        span.derived += [name for name in names if name not in span.derived]


def _held_bytes(record: Record) -> int:
    context = record.state.context if record.state is not None else None
    return sum(memoryview(raw).nbytes for raw in context.steps.values()) if context is not None else 0


def _ran_skipped(span: LiveSpan) -> bool:
    """Something was taken to run in a silent child that was skipped."""
    result = span.result
    return (
        span.slot >= 0
        and result is not None
        and result.status == "skipped"
        and any(act.first_index is not None for act in span.acts)
    )


def _without_announced(span: LiveSpan, over: float) -> None:
    """An attempt that was announced, but not begun before the end, was not made."""
    if abs(span.retried[-1] - over) <= CLOCK_MS:
        span.unsure_attempts = not span.acts or span.acts[-1].first_index is None
    while span.retried and span.retried[-1] > over:
        span.retried = span.retried[:-1]
        span.attempts -= 1
        if span.acts and span.acts[-1].attempt > span.attempts:
            for kid in span.acts.pop().kids:
                kid.born = False


def _start(record: Record) -> tuple[str, float]:
    given = record.started_at
    start = to_ms(given)
    if given is not None and start is not None:
        return given, start
    first = record.lines[0] if record.lines else None
    if first is None:
        return to_iso(0), 0.0
    return to_iso(first.at), first.at


def _run(record: Record, replay: Replay, spans: list[Span], started_at: str, start: float) -> Run:
    state = record.state
    status = _status(record, replay)
    ended = replay.ended_at if status != "incomplete" else None
    by_status: Counter[str] = Counter(span.status for span in spans)
    retries = sum(span.retries for span in spans)
    faults = list(dict.fromkeys(record.faults + replay.faults))
    return Run(
        run_id=record.files.run_id,
        trace_id=trace_id(record.files.run_id, started_at),
        flow_key=record.files.flow_key,
        status=status,
        started_at=started_at,
        ended_at=to_iso(ended) if ended is not None else None,
        duration_ms=_measured(max(0.0, ended - start)) if ended is not None else None,
        executor=Executor(name="built-in" if state is not None and state.built_in else "one-cli"),
        cwd=valid(str(record.files.project)),
        input_bytes=compact_bytes(state.inputs) if state is not None else None,
        counts=Counts(spans=len(spans), retries=retries, **by_status),
        usage=add(span.usage for span in spans),
        partial=faults or UNSET,
        other_events=replay.others or UNSET,
        other_fields=record.unknown_fields or UNSET,
    )


def _status(record: Record, replay: Replay) -> RunStatus:
    if replay.outcome == "error":
        return "error"
    if replay.outcome == "stopped":
        return "stopped"
    if replay.outcome == "success":
        return "success"
    told = {"completed": "success", "failed": "error"}.get(
        record.state.status if record.state is not None else ""
    )
    return told if told is not None else "incomplete"  # type: ignore[return-value]


def _born(spans: list[LiveSpan]) -> list[LiveSpan]:
    """Without the silent children that never started. One in which something was logged did start."""
    if all(span.born for span in spans):
        return list(spans)
    seen: set[int] = set()
    for span in reversed(spans):
        owner = span.act.span
        shows = span.slot < 0 or span.end_index is not None
        if owner is not None and ((span.born and shows) or span.number in seen):
            seen.add(owner.number)
            owner.born = True
    kept: set[int] = set()
    for span in spans:
        owner = span.act.span
        if span.born and (owner is None or owner.number in kept):
            kept.add(span.number)
    return [span for span in spans if span.number in kept]


def _in_order(spans: list[LiveSpan]) -> list[LiveSpan]:
    """By start, but never a child before its parent: clocks jump, and damaged lines lie."""
    keys: dict[int, float] = {}
    for span in spans:
        owner, start = span.act.span, span.start
        above = keys.get(owner.number, start) if owner is not None else start
        keys[span.number] = start if start >= above else above
    return sorted(spans, key=lambda span: keys[span.number])


def _ids(ordered: list[LiveSpan], trace: str) -> dict[int, str]:
    """16 hex digits a span: spans of one path are told apart by their order of start."""
    ids: dict[int, str] = {}
    seen: dict[str, int] = {}
    for span in ordered:
        nth = seen[span.path] = seen.get(span.path, 0) + 1
        told = f"{trace}|{span.path}|{nth}".encode("utf-8", "replace")
        ids[span.number] = blake2b(told, digest_size=8).hexdigest()
    return ids


def _span(
    span: LiveSpan, ids: dict[int, str], start: float, orders: Counter[int], over: float, stopped: Stopped
) -> Span:
    node, act, result = span.node, span.act, span.result
    owner = act.span
    status: SpanStatus = span.status or "incomplete"  # type: ignore[assignment]
    error = span.error if span.error is not None else result.error if result is not None else None
    # With more than fifteen names a call makes a dict of them first: what few spans have is set afterwards.
    made = Span(
        span_id=ids[span.number],
        parent_span_id=ids[owner.number] if owner is not None else None,
        step_id=node.id,
        name=node.name,
        type=node.type,
        flow_key=node.flow_key,
        path=span.path,
        iteration=span.iteration,
        index=node.index,
        parent_attempt=act.attempt if owner is not None else None,
        status=status,
        started_at=span.started_at or to_iso(span.start),
        start_ms=_measured(span.start - start),
        duration_ms=None
        if span.duration is None or status in ("skipped", "incomplete")
        else _measured(span.duration),
        output_bytes=compact_bytes(result.output) if result is not None else None,
    )
    made.derived = _derived(span)
    if span.branch is not None:
        made.branch = span.branch
    if span.attempts != 1:
        made.attempts, made.retries = span.attempts, span.attempts - 1
    if error is not None:
        made.error = error
    code = timeout_code(span, error)
    if code is not None:
        made.error_code = code
    made.late, sure = lateness(span, over, stopped)
    if not sure:
        made.derived.append("late")
    if not span.placed:
        made.index = orders[id(act)]
        orders[id(act)] += 1
    if result is not None:
        made.usage = usage_of(result, node.type)
    return made


def _measured(ms: float) -> float:
    """A time to the microsecond: what is behind that comes of the subtraction."""
    return ms if ms == int(ms) else round(ms, 3)


def _weigh_inputs(record: Record, inputs: Inputs, spans: list[LiveSpan], made: list[Span]) -> None:
    measured = Measured(record)
    for span, shown in zip(spans, made, strict=True):
        if shown.status == "skipped":
            continue
        shown.input_bytes = measured.bytes_of(span)
        if shown.input_bytes is None and span.placed:
            shown.input_bytes = inputs.bytes_of(span)
            shown.derived.append("inputBytes")


def _derived(span: LiveSpan) -> list[str]:
    derived: list[str] = []
    if span.slot >= 0:
        derived += ["startedAt", "startMs"]
        untold = span.status == "incomplete" or (span.status == "success" and span.duration is None)
        unsure = untold or span.doubtful or span.shared_result
        derived += ["status", "durationMs"] if unsure else ["durationMs"]
    elif span.started_at is None:
        derived += ["startedAt", "startMs"]
    if span.either_end and span.slot < 0:
        derived += ["status", "durationMs"]
    if not span.placed:
        derived += ["path", "parentSpanId", "index"]
    elif span.act.astray:
        derived += ["path", "parentSpanId"]
    if span.act.either:
        derived += ["branch", *(() if "index" in derived else ["index"])]
    if span.doubtful if span.slot < 0 else span.act.doubtful:
        derived.append("iteration")
    if span.shared_result and span.result is not None:
        derived.append("outputBytes")
    if span.unsure_attempts:
        derived += ["attempts", "retries"]
    if span.host_ms is not None and "durationMs" not in derived:
        derived.append("durationMs")
    return derived
