"""The run as it is shown."""

from __future__ import annotations

from collections import Counter

from msgspec import UNSET

from one_trace.assemble.reading.replay import Replay
from one_trace.assemble.sizes.compact import compact_bytes
from one_trace.assemble.sizes.usage import add
from one_trace.assemble.spans.document import to_microsecond
from one_trace.guard.text import valid
from one_trace.model.digest import blake2b
from one_trace.model.times import to_iso, to_ms
from one_trace.model.trace import Counts, Executor, Run, RunStatus, Span
from one_trace.record.reading import Record


def trace_id(run_id: str, started_at: str) -> str:
    """32 hex digits, from the run's id and start alone."""
    return blake2b(f"{run_id}|{started_at}".encode("utf-8", "replace"), digest_size=16).hexdigest()


def start_of(record: Record) -> tuple[str, float]:
    given = record.started_at
    start = to_ms(given)
    if given is not None and start is not None:
        return given, start
    first = record.lines[0] if record.lines else None
    if first is None:
        return to_iso(0), 0.0
    return to_iso(first.at), first.at


def run_of(record: Record, replay: Replay, spans: list[Span], started_at: str, start: float) -> Run:
    state = record.state
    status = _status(record, replay)
    ended = replay.seen.ended_at if status != "incomplete" else None
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
        duration_ms=to_microsecond(max(0.0, ended - start)) if ended is not None else None,
        executor=Executor(name="built-in" if state is not None and state.built_in else "one-cli"),
        cwd=valid(str(record.files.project)),
        input_bytes=compact_bytes(state.inputs) if state is not None else None,
        counts=Counts(spans=len(spans), retries=retries, **by_status),
        usage=add(span.usage for span in spans),
        partial=faults or UNSET,
        other_events=replay.seen.others or UNSET,
        other_fields=record.unknown_fields or UNSET,
    )


def _status(record: Record, replay: Replay) -> RunStatus:
    if replay.seen.outcome == "error":
        return "error"
    if replay.seen.outcome == "stopped":
        return "stopped"
    if replay.seen.outcome == "success":
        return "success"
    told = {"completed": "success", "failed": "error"}.get(
        record.state.status if record.state is not None else ""
    )
    return told if told is not None else "incomplete"  # type: ignore[return-value]
