"""Why steps failed and whether retries helped, counted from the spans of the last runs that had any."""

from __future__ import annotations

from collections.abc import Iterable

from one_trace.analyse.history import FailureDetails, FlowHistory

RUNS = 300
"""Spans are read of this many runs at most."""
NAMED_RUNS = 3

Row = tuple[int, str, str, str | None, int]
"""Index of the run, static path, status, error code and retries of a span that failed or was retried."""


def troubled_runs(flow: FlowHistory) -> list[int]:
    """The indexes of the last runs in which spans failed or were retried."""
    return sorted({index for step in flow.steps for index in step.anomalies})[-RUNS:]


def failure_details(flow: FlowHistory, rows: Iterable[Row]) -> dict[str, FailureDetails]:
    """Details of failed and retried spans, by static path. `rows`: of `troubled_runs`, as in the trace."""
    by_path: dict[str, FailureDetails] = {}
    for index, path, status, code, retries in sorted(rows, key=lambda row: -row[0]):
        details = by_path.setdefault(path, FailureDetails())
        failed = status in ("error", "timeout")
        if retries and (failed or status == "success"):
            details.helped += not failed
            details.useless += failed
        if failed:
            _count_failure(details, index, flow.runs[index].run_id, status, code)
    return by_path


def _count_failure(details: FailureDetails, index: int, run_id: str, status: str, code: str | None) -> None:
    timed_out = "timeout" in (status, (code or "").lower())
    name = code or ("TIMEOUT" if timed_out else "no code")
    details.codes[name] = details.codes.get(name, 0) + 1
    if timed_out:
        details.timed_out[index] = details.timed_out.get(index, 0) + 1
    if len(details.runs) < NAMED_RUNS and run_id not in details.runs:
        details.runs.append(run_id)
