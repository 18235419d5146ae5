"""The answers of a ClickHouse database to what a history is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from one_trace.errors import CliError
from one_trace.history.clickhouse.where import where

if TYPE_CHECKING:
    from one_trace.analyse.agent_sessions import SessionRuns
    from one_trace.analyse.calls import Calls
    from one_trace.analyse.history import FailureDetails, FlowHistory, StepKey
    from one_trace.analyse.run_groups import RunGroup
    from one_trace.analyse.step_runs import PastRuns
    from one_trace.history.clickhouse.client import Client
    from one_trace.model.trace import PlannedStep, Run, Trace
    from one_trace.model.wanted import Wanted

# Each question imports what answers it, as with the local history.


class ClickHouseHistory:
    """The runs of a team. A `key` is a trace id; a project is the URL of a repository."""

    def __init__(self, client: Client, shown: str, repository_of: Callable[[str], str | None]) -> None:
        self.client = client
        self.shown = shown
        self.repository_of = repository_of

    def close(self) -> None:
        self.client.close()

    def project(self, folder: str) -> str:
        repository = self.repository_of(folder)
        if repository is None:
            raise CliError(
                "this folder is in no repository with a remote, by which the runs of a team are grouped",
                hint="git remote add origin URL, or ask without --here.",
                code="no-repository",
            )
        return repository

    def flow_keys(self) -> list[str]:
        from one_trace.history.clickhouse import runs

        return runs.flow_keys(self.client)

    def projects(self, flow: str) -> list[str | None]:
        from one_trace.history.clickhouse import runs

        return runs.projects(self.client, flow)

    def runs(
        self,
        wanted: Wanted,
        *,
        limit: int | None = None,
        after: tuple[float, str] | None = None,
        order: str = "start",
    ) -> list[Run]:
        from one_trace.history.clickhouse import traces

        return traces.runs(self.client, where(wanted, after), limit=limit, order=order)

    def count(self, wanted: Wanted, *, after: tuple[float, str] | None = None) -> int:
        from one_trace.history.clickhouse import runs

        return runs.count(self.client, where(wanted, after))

    def sessions(self, wanted: Wanted) -> list[SessionRuns]:
        from one_trace.history.clickhouse import runs

        return runs.sessions(self.client, where(wanted))

    def histories(self, wanted: Wanted, *, models: bool = False) -> list[FlowHistory]:
        from one_trace.history.clickhouse import histories

        return histories.histories(self.client, where(wanted), models=models)

    def groups(self, wanted: Wanted, by: str) -> list[RunGroup]:
        from one_trace.history.clickhouse import runs

        return runs.groups(self.client, where(wanted), by)

    def failure_details(self, flow: FlowHistory) -> Mapping[str, FailureDetails]:
        from one_trace.history.clickhouse import past

        return past.failure_details(self.client, flow)

    def ran_for_others(self, flow: FlowHistory) -> set[StepKey]:
        from one_trace.history.clickhouse import past

        return past.ran_for_others(self.client, flow)

    def past(self, run: Run, *, exclude: Sequence[Run] = ()) -> PastRuns:
        from one_trace.history.clickhouse import past

        return past.of_run(self.client, run, exclude)

    def calls(self, wanted: Wanted) -> Calls:
        from one_trace.history.clickhouse import calls

        return calls.calls(self.client, where(wanted))

    def span_rows(self, wanted: Wanted) -> Iterator[tuple[Any, ...]]:
        from one_trace.history.clickhouse import traces

        return traces.span_rows(self.client, where(wanted))

    def find(self, ref: str, project: str | None = None) -> str:
        from one_trace.history.clickhouse import runs

        return runs.find(self.client, self.shown, ref, project)

    def trace(self, key: str) -> Trace:
        from one_trace.history.clickhouse import traces

        return traces.trace(self.client, self.shown, key)

    def planned(self, key: str) -> dict[str, PlannedStep]:
        from one_trace.history.clickhouse import traces

        return traces.planned(self.client, key)
