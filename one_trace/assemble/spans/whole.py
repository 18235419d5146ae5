"""The run as it is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import UNSET

from one_trace.assemble.sizes.compact import compact_bytes
from one_trace.assemble.sizes.usage import add
from one_trace.assemble.spans.order import to_microsecond
from one_trace.guard.text import valid
from one_trace.model.digest import blake2b
from one_trace.model.times import to_iso, to_ms
from one_trace.model.trace import Counts, Executor, Run, RunStatus, Span
from one_trace.record.reading import Record

_SAVED: dict[str, RunStatus] = {"completed": "success", "failed": "error"}


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


def run_of(
    record: Record,
    spans: Sequence[Span],
    start: tuple[str, float],
    *,
    status: RunStatus,
    ended: float | None,
    faults: Iterable[str],
    others: dict[str, int],
) -> Run:
    """`start`: as `start_of`; `ended`: epoch ms; `others`: events of kinds that are not known."""
    state, (started_at, began) = record.state, start
    by_status: Counter[str] = Counter(span.status for span in spans)
    retries = sum(span.retries for span in spans)
    return Run(
        run_id=record.files.run_id,
        trace_id=trace_id(record.files.run_id, started_at),
        flow_key=record.files.flow_key,
        status=status,
        started_at=started_at,
        ended_at=to_iso(ended) if ended is not None else None,
        duration_ms=to_microsecond(max(0.0, ended - began)) if ended is not None else None,
        executor=Executor(name="built-in" if state is not None and state.built_in else "one-cli"),
        cwd=valid(str(record.files.project)),
        input_bytes=compact_bytes(state.inputs) if state is not None else None,
        counts=Counts(spans=len(spans), retries=retries, **by_status),
        usage=add(span.usage for span in spans),
        partial=list(dict.fromkeys(faults)) or UNSET,
        other_events=others or UNSET,
        other_fields=record.unknown_fields or UNSET,
    )


def saved_status(record: Record) -> RunStatus:
    """As the state has it, where the log does not say how the run ended."""
    status = record.state.status if record.state is not None else ""
    return _SAVED.get(status, "incomplete")
