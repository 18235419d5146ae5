"""Questions about runs, which the table of runs alone answers."""

from __future__ import annotations

import re
from functools import partial

from one_trace.analyse.agent_sessions import SessionRuns, session_runs
from one_trace.analyse.run_groups import RunGroup, RunRow, groups_of, models_value, parse_by
from one_trace.analyse.run_refs import resolve
from one_trace.errors import NoSuchRun
from one_trace.history.clickhouse.client import Client, Params, real
from one_trace.history.clickhouse.tables import RUNS, SPANS
from one_trace.history.clickhouse.where import OLDEST, Where, where
from one_trace.model.times import to_iso
from one_trace.model.wanted import ALL, Wanted

STARTED_MS = "toUnixTimestamp64Milli(run_started)"
_STARTED_AT = "concat(replaceOne(toString(run_started), ' ', 'T'), 'Z')"
_ENDED = f"if(ended_at = '', {_STARTED_AT}, ended_at)"
_SELECTED = {
    "last": f"ORDER BY {_ENDED} DESC, trace DESC LIMIT 1",
    "prev": f"ORDER BY {_ENDED} DESC, trace DESC LIMIT 1 OFFSET 1",
    "failed": f"AND status = 'error' ORDER BY {_ENDED} DESC, trace DESC LIMIT 1",
    "best": "AND status = 'success' AND ms >= 0 ORDER BY ms, run_started DESC LIMIT 1",
    "worst": "AND ms >= 0 ORDER BY ms DESC, run_started DESC LIMIT 1",
}
"""For each of `run_refs.SELECTORS`."""
_MOST_NAMED = 6
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_VALUES = {
    "version": "version",
    "model": "models",
    "host": "host",
    "machine": "host",
    "executor": "concat(executor, if(executor_version = '', '', ' '), executor_version)",
    "repository": "repository",
    "tag": "attributes[{tag:String}]",
}
"""For each kind of ``--by``."""


def flow_keys(client: Client) -> list[str]:
    return [flow for (flow,) in client.rows(f"SELECT DISTINCT flow FROM {RUNS} ORDER BY flow")]


def projects(client: Client, flow: str) -> list[str | None]:
    """The repositories in which a flow has runs, that of the newest run first."""
    found = where(Wanted(flow))
    sql = (
        f"SELECT repository FROM {RUNS} WHERE {found.runs} GROUP BY repository ORDER BY max(run_started) DESC"
    )
    return [project or None for (project,) in client.rows(sql, found.params)]


def count(client: Client, wanted: Where) -> int:
    return int(client.rows(f"SELECT count() {wanted.from_runs}", wanted.params)[0][0])


def sessions(client: Client, wanted: Where) -> list[SessionRuns]:
    sql = (
        "SELECT agent, session, count(), countIf(status IN ('error', 'incomplete')), groupUniqArray(flow),"
        f" min({STARTED_MS}), max({STARTED_MS}), sum(cost_usd) {wanted.from_runs}"
        f" GROUP BY agent, session ORDER BY max(run_started) DESC, session"
    )
    return [
        session_runs(
            agent or None, session or None, runs, failed, flows, to_iso(first), to_iso(last), real(cost)
        )
        for agent, session, runs, failed, flows, first, last, cost in client.rows(sql, wanted.params)
    ]


def groups(client: Client, wanted: Where, by: str) -> list[RunGroup]:
    kind, key = parse_by(by)
    sql = (
        f"SELECT flow, repository, {_VALUES[kind]}, started_at, {STARTED_MS}, status, ms, cost_usd"
        f" {wanted.from_runs} {OLDEST}"
    )
    params: Params = {**wanted.params, "tag": f"one.tag.{key}"} if kind == "tag" else wanted.params
    rows = client.rows(sql, params)
    return groups_of(by, (_group_row(kind, *row) for row in rows), means="machine")


def _group_row(
    kind: str,
    flow: str,
    project: str,
    value: str,
    started: str,
    began: int,
    status: str,
    ms: float | None,
    cost: float | None,
) -> RunRow:
    shown = models_value(filter(None, value.split(","))) if kind == "model" else value or None
    return flow, project or None, shown, (started or to_iso(began), status, real(ms), real(cost))


def find(client: Client, shown: str, ref: str, project: str | None) -> str:
    """The trace id of the run that `ref` means in a project. Raises NoSuchRun."""
    return resolve(ref, partial(_select, client, project), partial(_by_id, client, shown))


def _select(client: Client, project: str | None, flow: str | None, selector: str) -> str | None:
    """The selected run: of this project if it has runs of the flow, and started by no other run if there are
    such."""
    of_flow = where(Wanted(flow))
    here = where(Wanted(flow, project=project)) if project else of_flow
    if project and not client.rows(f"SELECT 1 FROM {RUNS} WHERE {here.runs} LIMIT 1", here.params):
        here = of_flow
    for parent in ("AND parent = ''", ""):
        sql = f"SELECT lower(hex(trace)) {here.from_runs} {parent} {_SELECTED[selector]}"
        rows = client.rows(sql, here.params)
        if rows:
            return str(rows[0][0])
    return None


def _by_id(client: Client, shown: str, ref: str) -> str:
    if ref == "last":
        raise NoSuchRun(f"no run in {shown}", hint="one trace list --from local")
    # The exact id first: an index finds it among any number of runs.
    for condition in (
        "run_id = {ref:String} OR trace = toFixedString(substring(unhex({ref:String}), 1, 16), 16)",
        "startsWith(run_id, {ref:String})",
    ):
        sql = (
            "SELECT run_id, lower(hex(trace)), host, repository"
            f" {where(ALL).from_runs} AND ({condition}) ORDER BY run_id, run_started LIMIT {_MOST_NAMED}"
        )
        rows = client.rows(sql, {"ref": ref})
        if len(rows) == 1:
            return str(rows[0][1])
        if rows:
            raise _not_one_run(ref, rows)
    if _TRACE_ID.fullmatch(ref):  # the run itself may not have arrived
        sql = f"SELECT 1 FROM {SPANS} WHERE trace = unhex({{ref:String}}) LIMIT 1"
        if client.rows(sql, {"ref": ref}):
            return ref
    raise NoSuchRun(f"no run '{ref}' in {shown}", hint="List the runs: one trace list")


def _not_one_run(ref: str, rows: list[list[str]]) -> NoSuchRun:
    names = list(dict.fromkeys(row[0] for row in rows))
    if len(names) > 1:
        return NoSuchRun(
            f"more than one run begins with '{ref}': {', '.join(names)}", hint="Give more of the id."
        )
    which = " and ".join(
        f"{trace} (on {host or repository or 'a host without a name'})" for _, trace, host, repository in rows
    )
    return NoSuchRun(f"{len(rows)} runs have the id '{names[0]}': {which}", hint="Give the trace id instead.")
