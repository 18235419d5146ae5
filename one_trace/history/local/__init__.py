"""The history of this machine: the runs of the store.

`LocalHistory` has a method for each question, and a module here the SQL of each. Statistics read `step_runs`,
the store's summary with a row for each step in each run, never the spans behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from one_trace.store import Store

if TYPE_CHECKING:
    from one_trace.analyse.agent_sessions import SessionRuns
    from one_trace.analyse.calls import Calls
    from one_trace.analyse.history import FailureDetails, FlowHistory, StepKey
    from one_trace.analyse.run_groups import RunGroup
    from one_trace.analyse.step_runs import PastRuns
    from one_trace.model.trace import PlannedStep, Run, Trace
    from one_trace.model.wanted import Wanted

# Each question imports what answers it: `show` and `list` need two of them.

_CACHE_KB = 64_000


class LocalHistory:
    """The runs in a store. A `key` is a run's key there, or its trace id; a project is a folder. `much`: a
    large part of it will be read."""

    shown = "the store"

    def __init__(self, store: Store, *, much: bool = False) -> None:
        self.store = store
        if much:  # with SQLite's default cache (2 MB) a million spans take twice as long
            store.connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")

    def close(self) -> None:
        self.store.close()

    def project(self, folder: str) -> str:
        return folder

    def flow_keys(self) -> list[str]:
        from one_trace.history.local import flows

        return flows.flow_keys(self.store.connection)

    def projects(self, flow: str) -> list[str | None]:
        from one_trace.history.local import flows

        return flows.projects(self.store.connection, flow)

    def runs(
        self,
        wanted: Wanted,
        *,
        limit: int | None = None,
        after: tuple[float, str] | None = None,
        order: str = "start",
    ) -> list[Run]:
        return self.store.runs(wanted, limit=limit, after=after, order=order)

    def count(self, wanted: Wanted, *, after: tuple[float, str] | None = None) -> int:
        return self.store.count(wanted, after=after)

    def sessions(self, wanted: Wanted) -> list[SessionRuns]:
        from one_trace.history.local.sessions import by_session

        return by_session(self.store.connection, wanted)

    def histories(self, wanted: Wanted, *, models: bool = False) -> list[FlowHistory]:
        from one_trace.history.local import flows

        return flows.histories(self.store.connection, wanted, models=models)

    def groups(self, wanted: Wanted, by: str) -> list[RunGroup]:
        from one_trace.history.local.groups import groups

        return groups(self.store.connection, wanted, by)

    def failure_details(self, flow: FlowHistory) -> Mapping[str, FailureDetails]:
        from one_trace.history.local.failures import failure_details

        return failure_details(self.store.connection, flow)

    def ran_for_others(self, flow: FlowHistory) -> set[StepKey]:
        from one_trace.history.local.other_callers import ran_for_others

        return ran_for_others(self.store.connection, flow)

    def past(self, run: Run, *, exclude: Sequence[Run] = ()) -> PastRuns:
        from one_trace.history.local import past_runs

        return past_runs.of_run(self.store.connection, run, exclude=exclude)

    def past_of_flow(self, flow: str, project: str | None) -> PastRuns:
        """The last successful runs of a flow in a folder."""
        from one_trace.history.local import past_runs

        return past_runs.of_flow(self.store.connection, flow, project)

    def calls(self, wanted: Wanted) -> Calls:
        from one_trace.history.local import llm_calls

        return llm_calls.calls(self.store.connection, wanted)

    def span_rows(self, wanted: Wanted) -> Iterator[tuple[Any, ...]]:
        from one_trace.history.local import span_rows

        return span_rows.read(self.store.connection, wanted)

    def find(self, ref: str, project: str | None = None) -> str:
        from one_trace.history.local.refs import find

        return find(self.store, ref, project)

    def trace(self, key: str) -> Trace:
        return self.store.trace(key)

    def planned(self, key: str) -> dict[str, PlannedStep]:
        return self.store.planned(key)
