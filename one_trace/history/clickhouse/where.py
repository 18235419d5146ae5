"""Which rows a question reads: a `Wanted` as conditions of ClickHouse, each value a parameter."""

from __future__ import annotations

import re
from typing import NamedTuple

from one_trace.history.clickhouse.client import Params, Value
from one_trace.history.clickhouse.tables import RUNS, SPANS
from one_trace.model.wanted import Wanted

_TRACE_ID = re.compile(r"[0-9a-f]{32}")


def moment(name: str) -> str:
    """The parameter of this name, in ms since 1970."""
    return f"fromUnixTimestamp64Milli({{{name}:Int64}}, 'UTC')"


_LAST_START = moment("after")
_AFTER = (
    f"(run_started, trace) < ({_LAST_START}, (SELECT if(count() = 0, unhex(repeat('ff', 16)), max(trace))"
    f" FROM {RUNS} WHERE run_id = {{after_run:String}} AND run_started = {_LAST_START}))"
)
"""If that run was deleted, those of the same millisecond may come twice, and none is left out."""
NEWEST = "ORDER BY run_started DESC, trace DESC"
OLDEST = "ORDER BY flow, run_started, trace"


class Where(NamedTuple):
    """Runs that are wanted, of several revisions the last. `keys`: conditions that spans have, too."""

    runs: str
    keys: str
    params: Params

    @property
    def from_runs(self) -> str:
        return f"FROM {RUNS} FINAL WHERE {self.runs}"

    @property
    def from_spans(self) -> str:
        """Spans of these runs: those that a run has lost since, or has never had, are not among them."""
        return (
            f"FROM {SPANS} FINAL WHERE {self.keys}"
            f" AND (trace, revision) IN (SELECT trace, revision {self.from_runs})"
        )

    def both(self, condition: str, **params: Value) -> Where:
        """With one more condition on columns that runs and spans share."""
        return Where(
            f"{self.runs} AND {condition}", f"{self.keys} AND {condition}", {**self.params, **params}
        )


def where(wanted: Wanted, after: tuple[float, str] | None = None) -> Where:
    """`after`: see `History.runs`."""
    found = Where("1", "1", {})
    for name, condition, value in (
        ("flow", "flow = {flow:String}", wanted.flow),
        ("project", "repository = {project:String}", wanted.project),
        ("since", f"run_started >= {moment('since')}", wanted.since),
        ("until", f"run_started < {moment('until')}", wanted.until),
    ):
        if value is not None:
            found = found.both(condition, **{name: value})
    runs, params = [found.runs], dict(found.params)
    for name, value in (("status", wanted.status), ("session", wanted.session)):
        if value is not None:
            runs.append(f"{name} = {{{name}:String}}")
            params[name] = value
    for number, (key, value) in enumerate(wanted.tags):
        runs.append(f"attributes[{{tag{number}:String}}] = {{value{number}:String}}")
        params |= {f"tag{number}": f"one.tag.{key}", f"value{number}": value}
    if after is not None:
        runs.append(_AFTER)
        params |= {"after": int(after[0]), "after_run": after[1]}
    if wanted.last is not None:
        among = f"SELECT trace FROM {RUNS} FINAL WHERE {' AND '.join(runs)} {NEWEST}"
        runs.append(f"trace IN ({among} LIMIT {{last:Int64}} BY flow, repository)")
        params["last"] = wanted.last
    return Where(" AND ".join(runs), found.keys, params)


def is_trace_id(ref: str) -> bool:
    return _TRACE_ID.fullmatch(ref) is not None


def same_run(ref: str) -> str:
    """The condition that a row is of the run with the id ``{ref:String}``."""
    return (
        "(run_id = {ref:String} OR trace = unhex({ref:String}))"
        if is_trace_id(ref)
        else "run_id = {ref:String}"
    )
