"""What a history of runs is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from one_trace.analyse.agent_sessions import SessionRuns
from one_trace.analyse.calls import Calls
from one_trace.analyse.history import FailureDetails, FlowHistory, StepKey
from one_trace.analyse.run_groups import RunGroup
from one_trace.analyse.step_runs import PastRuns
from one_trace.model.trace import PlannedStep, Run, Trace
from one_trace.model.wanted import Wanted


class History(Protocol):
    """Runs of one machine or of many. A `key` is a trace id, or what `find` gave.

    Every method raises CliError if the history cannot be asked, or not for this.
    """

    @property
    def shown(self) -> str:
        """Where the runs are, for messages: `no run X in ...`."""

    def close(self) -> None:
        """Ask nothing more."""

    def project(self, folder: str) -> str:
        """What stands for the project in a folder: in `Wanted.project`, and in answers."""

    def flow_keys(self) -> list[str]:
        """Keys of all flows that have runs."""

    def projects(self, flow: str) -> list[str | None]:
        """The projects in which a flow has runs, that of the newest run first."""

    def runs(
        self,
        wanted: Wanted,
        *,
        limit: int | None = None,
        after: tuple[float, str] | None = None,
        order: str = "start",
    ) -> list[Run]:
        """Runs in an order of `model.wanted.ORDERS`. `after`: those that follow, by start, the run with this
        start (ms since 1970) and id."""

    def count(self, wanted: Wanted, *, after: tuple[float, str] | None = None) -> int:
        """The number of runs that `runs` gives without a limit."""

    def sessions(self, wanted: Wanted) -> list[SessionRuns]:
        """The agents' sessions that started these runs, that of the newest run first."""

    def histories(self, wanted: Wanted, *, models: bool = False) -> list[FlowHistory]:
        """Every flow of every project that has such runs, by flow key and project; `models` also reads the
        names of models."""

    def groups(self, wanted: Wanted, by: str) -> list[RunGroup]:
        """The groups of each flow, by their first runs. Raises WrongUsage for an unknown `by`."""

    def failure_details(self, flow: FlowHistory) -> Mapping[str, FailureDetails]:
        """Details of failed and retried spans of the flow's last runs, by static path."""

    def ran_for_others(self, flow: FlowHistory) -> set[StepKey]:
        """Of the steps that did not run, those that ran in the same project for another caller."""

    def past(self, run: Run, *, exclude: Sequence[Run] = ()) -> PastRuns:
        """The last successful runs of the run's flow in its project that began before it, but `exclude`."""

    def calls(self, wanted: Wanted) -> Calls:
        """What the LLM calls of these runs used."""

    def span_rows(self, wanted: Wanted) -> Iterator[tuple[Any, ...]]:
        """A row for each span, in the columns of `analyse.flat_table`."""

    def find(self, ref: str, project: str | None = None) -> str:
        """The key of the run that `ref` means, seen from a project: see `analyse.run_refs`. Raises
        NoSuchRun."""

    def trace(self, key: str) -> Trace:
        """The trace document of a run. Raises NoSuchRun."""

    def planned(self, key: str) -> dict[str, PlannedStep]:
        """The steps of the flow that a run ran, by static path; none where they are not known."""
