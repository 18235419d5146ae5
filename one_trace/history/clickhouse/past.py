"""What a run or a flow is compared with: past runs, failures, other callers of its steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from one_trace.analyse import failure_details as counted
from one_trace.analyse.history import FailureDetails, FlowHistory, StepKey
from one_trace.analyse.step_runs import MOST_PAST_RUNS, PastRuns, PastStep, past_runs
from one_trace.history.clickhouse.client import Client, real
from one_trace.history.clickhouse.tables import RUNS, SPANS
from one_trace.history.clickhouse.where import where
from one_trace.model.times import to_ms
from one_trace.model.trace import Run
from one_trace.model.wanted import Wanted

_TRACES = "has(arrayMap(id -> toFixedString(unhex(id), 16), {traces:Array(String)}), trace)"
_STEPS = """SELECT {flow:String}, path, argMin(step, seq), any(type),
  countIf(status = 'skipped'), countIf(status = 'error'), countIf(status = 'timeout'), count(),
  sum(ms), max(ms), sum(retries), sum(output_bytes), sum(cost_usd)"""


def of_run(client: Client, run: Run, exclude: Sequence[Run]) -> PastRuns:
    """The last successful runs of the run's flow in its repository that began before it."""
    projects = client.rows(
        f"SELECT repository FROM {RUNS} WHERE trace = unhex({{trace:String}}) LIMIT 1",
        {"trace": run.trace_id},
    )
    began = to_ms(run.started_at) or 0
    wanted = where(
        Wanted(run.flow_key, "success", project=projects[0][0] if projects else "", until=began + 1)
    )
    others = [each.trace_id for each in (run, *exclude)]
    chosen = (
        f"{wanted.from_runs} AND ms IS NOT NULL AND NOT {_TRACES}"
        f" ORDER BY run_started DESC LIMIT {MOST_PAST_RUNS}"
    )
    params = {**wanted.params, "traces": others}
    runs = client.rows(f"SELECT ms, cost_usd {chosen}", params)[::-1]
    steps = client.rows(
        f"{_STEPS} FROM {SPANS} FINAL WHERE {wanted.keys}"
        f" AND (trace, revision) IN (SELECT trace, revision {chosen})"
        " GROUP BY path, run_started, trace ORDER BY run_started, trace, min(seq)",
        params,
    )
    # Steps as they first occurred, each with its runs from the oldest on.
    place = {path: number for number, path in enumerate(dict.fromkeys(row[1] for row in steps))}
    steps.sort(key=lambda row: place[row[1]])
    return past_runs(((float(ms), real(cost)) for ms, cost in runs), map(_past_step, steps))


def _past_step(row: list[Any]) -> PastStep:
    step = PastStep._make(row)
    return step._replace(
        duration_ms=real(step.duration_ms), max_ms=real(step.max_ms), cost_usd=real(step.cost_usd)
    )


def failure_details(client: Client, flow: FlowHistory) -> dict[str, FailureDetails]:
    """Details of failed and retried spans, by static path."""
    troubled = {flow.runs[index].trace_id: index for index in counted.troubled_runs(flow)}
    if not troubled:
        return {}
    began = [to_ms(flow.runs[index].started_at) or 0 for index in troubled.values()]
    wanted = where(Wanted(flow.flow_key, since=min(began), until=max(began) + 1, project=flow.project or ""))
    rows = client.rows(
        "SELECT lower(hex(trace)), path, status, error_code, retries"
        f" {wanted.from_spans} AND {_TRACES} AND (status IN ('error', 'timeout') OR retries > 0)"
        " ORDER BY run_started, trace, seq",
        {**wanted.params, "traces": list(troubled)},
    )
    return counted.failure_details(
        flow,
        (
            (troubled[trace], path, status, code or None, retries)
            for trace, path, status, code, retries in rows
        ),
    )


def ran_for_others(client: Client, flow: FlowHistory) -> set[StepKey]:
    """Of the steps that did not run, those that ran in the same repository under another path: called by
    another step, or by another flow."""
    missing = flow.never_ran()
    if not missing:
        return set()
    rows = client.rows(
        f"SELECT DISTINCT owner, step FROM {SPANS} WHERE has({{owners:Array(String)}}, owner)"
        " AND (flow != {flow:String} OR owner != {flow:String})"
        " AND status != 'skipped' AND repository = {project:String}",
        {
            "owners": sorted({owner for owner, _ in missing}),
            "flow": flow.flow_key,
            "project": flow.project or "",
        },
    )
    return {(owner, step) for owner, step in rows} & missing
