"""The run and its spans, of what a reading has found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from msgspec import UNSET

from one_trace.assemble.flowtree.planned import tell_plan
from one_trace.assemble.sizes.compact import compact_bytes, member_count
from one_trace.assemble.sizes.inputs import Inputs
from one_trace.assemble.sizes.measured import Measured
from one_trace.assemble.sizes.usage import add, drop_copies, take_parts
from one_trace.assemble.spans.commands import command_ends
from one_trace.assemble.spans.whole import trace_id
from one_trace.assembler.cause import find_cause
from one_trace.assembler.ground import Ground
from one_trace.assembler.readings import Reading
from one_trace.assembler.script import FOLLOWED, KIND_CHARS, KINDS, NO_NEWS
from one_trace.assembler.spans import ids, in_order, span_of
from one_trace.assembler.views import View, Views
from one_trace.guard.text import valid
from one_trace.model.times import to_iso, to_ms
from one_trace.model.trace import Assembly, Counts, Executor, Run, RunStatus, Span, Trace
from one_trace.record.reading import Record


def assembly_of(ground: Ground, reading: Reading, outputs_of: Collection[str]) -> Assembly:
    """`outputs_of`: ids of spans whose outputs are wanted."""
    record = ground.record
    started_at, start = _start(record)
    ordered = in_order(reading.executions)
    found = ids(ordered, trace_id(record.files.run_id, started_at))
    orders: Counter[int] = Counter()
    spans = [span_of(each, record.lines, found, start, orders) for each in ordered]
    drop_copies(spans)
    parts = take_parts(spans)
    views = Views(ground.stored)
    inputs, seen = Inputs(record), [views.of(each) for each in ordered]
    _weigh_inputs(record, inputs, seen, spans)
    ends = command_ends(inputs, seen, spans)  # type: ignore[arg-type]
    run = _run(ground, reading, spans, started_at, start)
    if run.status == "error":
        error = next(
            (line.error for line in reversed(record.lines) if line.msg.startswith("Flow failed")), None
        )
        run.cause = find_cause(ground, ordered, reading, error, found)
    outputs = {
        shown.span_id: bytes(each.result.output)
        for each, shown in zip(ordered, spans, strict=True)
        if shown.span_id in outputs_of and each.result is not None
    }
    assembly = Assembly(
        trace=Trace(run=run, spans=spans),
        model_parts=parts,
        input_count=member_count(record.state.inputs) if record.state is not None else None,
        command_ends=ends,
        outputs=outputs,
    )
    if record.flow is not None:
        tell_plan(assembly, record, record.flow, ground.flows.trees)
    return assembly


def _weigh_inputs(record: Record, inputs: Inputs, seen: list[View], made: list[Span]) -> None:
    measured = Measured(record)
    for view, shown in zip(seen, made, strict=True):
        if shown.status == "skipped":
            continue
        shown.input_bytes = measured.bytes_of(view)  # type: ignore[arg-type]
        if shown.input_bytes is None and view.node.index is not None:
            shown.input_bytes = inputs.bytes_of(view)  # type: ignore[arg-type]
            shown.derived.append("inputBytes")


def _start(record: Record) -> tuple[str, float]:
    given = record.started_at
    start = to_ms(given)
    if given is not None and start is not None:
        return given, start
    first = record.lines[0] if record.lines else None
    return (to_iso(first.at), first.at) if first is not None else (to_iso(0), 0.0)


def _run(ground: Ground, reading: Reading, spans: list[Span], started_at: str, start: float) -> Run:
    record = ground.record
    state = record.state
    status, ended = _outcome(record, reading)
    by_status: Counter[str] = Counter(span.status for span in spans)
    return Run(
        run_id=record.files.run_id,
        trace_id=trace_id(record.files.run_id, started_at),
        flow_key=record.files.flow_key,
        status=status,
        started_at=started_at,
        ended_at=to_iso(ended) if ended is not None else None,
        duration_ms=max(0.0, ended - start) if ended is not None else None,
        cwd=valid(str(record.files.project)),
        input_bytes=compact_bytes(state.inputs) if state is not None else None,
        usage=add(span.usage for span in spans),
        partial=list(dict.fromkeys(_faults(ground, reading, spans))) or UNSET,
        other_events=_others(record) or UNSET,
        other_fields=record.unknown_fields or UNSET,
        executor=Executor(name="built-in" if state is not None and state.built_in else "one-cli"),
        counts=Counts(spans=len(spans), retries=sum(span.retries for span in spans), **by_status),
    )


def _faults(ground: Ground, reading: Reading, spans: list[Span]) -> list[str]:
    faults = ground.record.faults + ground.faults
    unsure = sum("iteration" in span.derived for span in spans)
    if reading.conflict is not None and unsure and not reading.placed and not reading.whole:
        faults.append(
            f"no reading of the log was found that nothing contradicts: {unsure} spans may be others"
        )
    return faults


def _others(record: Record) -> dict[str, int]:
    """Kinds of events that are not known, and how many there were."""
    others: dict[str, int] = {}
    for line in record.lines:
        if line.event is not None and line.event not in FOLLOWED and line.event not in NO_NEWS:
            kind = line.event[:KIND_CHARS]
            if kind in others or len(others) < KINDS:
                others[kind] = others.get(kind, 0) + 1
    return others


def _outcome(record: Record, reading: Reading) -> tuple[RunStatus, float | None]:
    """By the root flow's last event, or the host's last word."""
    outcome: RunStatus | None = None
    ended: float | None = None
    for line in record.lines:
        if line.event is None and line.msg == "Flow resumed":
            outcome = ended = None
        elif line.event is None and line.msg.startswith("Flow failed"):
            outcome, ended = "error", line.at
        elif line.event is None and line.msg.startswith("Flow completed"):
            outcome, ended = outcome or "success", line.at
        elif line.event == "flow:stopped" and line.flow_key == record.files.flow_key:
            outcome = "stopped"
    outcome = outcome or reading.end.outcome
    if outcome is None:
        reported = record.state.status if record.state is not None else ""
        outcome = {"completed": "success", "failed": "error"}.get(reported, "incomplete")  # type: ignore[assignment]
    return outcome or "incomplete", ended
