"""A record becomes a run with its spans: the engine runs the flow again, and the log says what happens next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from one_trace.assemble import trace_id
from one_trace.assemble.facts import Facts
from one_trace.assembler.ground import Ground
from one_trace.assembler.search import Reading, search
from one_trace.assembler.spans import ids, in_order, span_of
from one_trace.model.gc import held_back
from one_trace.model.times import to_iso, to_ms
from one_trace.model.trace import Assembly, Counts, Executor, Run, RunStatus, Span, Trace
from one_trace.record.reading import Record


def assemble(record: Record, outputs_of: Collection[str] = ()) -> Assembly:
    with held_back():
        return _assemble(record)


last: Reading | None = None


def _assemble(record: Record) -> Assembly:
    global last
    ground = Ground(record, Facts(record.lines, record.clock))
    reading = last = search(ground)
    started_at, start = _start(record)
    ordered = in_order(reading.executions)
    found = ids(ordered, trace_id(record.files.run_id, started_at))
    spans = [span_of(each, found, start) for each in ordered]
    run = _run(ground, reading, spans, started_at, start)
    return Assembly(trace=Trace(run=run, spans=spans))


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
        executor=Executor(name="built-in" if state is not None and state.built_in else "one-cli"),
        counts=Counts(spans=len(spans), retries=sum(span.retries for span in spans), **by_status),
    )


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
    outcome = outcome or reading.outcome
    if outcome is None:
        told = record.state.status if record.state is not None else ""
        outcome = {"completed": "success", "failed": "error"}.get(told, "incomplete")  # type: ignore[assignment]
    return outcome or "incomplete", ended
