"""Histories of a flow written by hand: what the rules see, without a store."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from one_trace.analyse.history import Anomaly, FlowHistory, RunSummary, Series, SpanCounts, StepHistory

FLOW = "my-flow"


def facts(
    number: int,
    *,
    version: str | None = "v1",
    status: str = "success",
    ms: float = 1000.0,
    usd: float | None = None,
):
    return RunSummary(f"{number:012x}", version, status, f"2026-04-06T10:{number % 60:02d}:00.000Z", ms, usd)


def packed(*values: float) -> bytes:
    return b"d" + array("d", values).tobytes()


def step(
    name: str,
    times: Sequence[float | Sequence[float] | None] = (),
    *,
    kind: str = "bash",
    version: str | None = "v1",
    outputs: Sequence[int | None] | None = None,
    costs: Sequence[float | None] | None = None,
    bad: Sequence[int] = (),
    retried: Sequence[int] = (),
    **counts: int,
) -> StepHistory:
    """A step under the root: `times` has one entry a run (several numbers: iterations; None: skipped)."""
    rows = [() if one is None else tuple(one) if isinstance(one, Sequence) else (one,) for one in times]
    spans = sum(max(len(row), 1) for row in rows)
    whole = {
        "version": version,
        "runs": len(rows),
        "spans": spans,
        "success": sum(len(row) for row in rows),
        "skipped": sum(not row for row in rows),
        "total_ms": float(sum(map(sum, rows))),
        "busy_ms": float(sum(map(sum, rows))),
        "error": len(bad),
        "retries": len(retried),
        "retried": len(retried),
        **counts,
    }
    whole["success"] -= len(bad)
    anomalies = {
        place: Anomaly(place, int(place not in bad), int(place in bad), 0, int(place in retried))
        for place in {*bad, *retried}
    }
    series = Series(
        runs=list(range(len(rows))),
        durations=[packed(*row) if row else None for row in rows],
        mean_ms=[sum(row) / len(row) if row else None for row in rows],
        output_bytes=list(outputs or [None] * len(rows)),
        cost_usd=list(costs or [None] * len(rows)),
    )
    return StepHistory(
        path=f"{FLOW} > {name}",
        step_id=name.rpartition(" > ")[2],
        type=kind,
        flow_key=FLOW,
        versions=[SpanCounts(**whole)],
        series=series,
        anomalies=anomalies,
    )


def history(*steps: StepHistory, runs: Sequence[RunSummary] | None = None, **fields: object) -> FlowHistory:
    many = max([1, *(len(one.series.runs) for one in steps)])
    return FlowHistory(
        flow_key=FLOW,
        runs=list(runs or [facts(number) for number in range(many)]),
        steps=list(steps),
        planned=fields.pop("planned", [one.path for one in steps]),
        **fields,
    )
