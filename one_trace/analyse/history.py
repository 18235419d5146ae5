"""All runs of a flow, in the shape that statistics and findings read.

Plain data: a history fills it, tests write it by hand. An index is the
position of a run in `FlowHistory.runs`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from msgspec import UNSET, Struct, UnsetType

from one_trace.model.arrivals import not_arrived
from one_trace.model.trace import PlannedStep

StepKey = tuple[str, str]
"""The flow that defines a step, and the step's id."""


class RunSummary(NamedTuple):
    """A run in short."""

    run_id: str
    """The run's id, or what the store has as its key."""
    version: str | None
    status: str
    started_at: str
    duration_ms: float | None
    cost_usd: float | None
    number: int = 0
    """The history's own number of the run."""
    spans: int = 0
    trace_id: str = ""
    """Where runs of many machines may share an id."""

    @property
    def key(self) -> str:
        """What `History.trace` takes."""
        return self.trace_id or self.run_id


class Anomaly(NamedTuple):
    """Counts of one step's spans in one run in which some failed, were retried or did not end."""

    run: int
    """Its index."""
    success: int
    error: int
    timeout: int
    retries: int

    @property
    def failed(self) -> int:
        return self.error + self.timeout


class Series(Struct, kw_only=True):
    """One step's runs as columns, oldest first, with an entry for each run in which it has spans. Columns,
    since a million small rows take longer to create than to sum up."""

    runs: list[int] = []
    """Indexes."""
    durations: list[bytes | None] = []
    """Packed, in ms, of each span that has one."""
    mean_ms: list[float | None] = []
    """Of the spans that succeeded; valid only for runs without an anomaly."""
    output_bytes: list[int | None] = []
    """Of all spans together; null if unknown."""
    cost_usd: list[float | None] = []
    models: list[str | None] = []
    """Model names as JSON; read only for insights."""

    def sort(self) -> None:
        """Sort the columns by run; most are sorted as they are read."""
        order = sorted(range(len(self.runs)), key=self.runs.__getitem__)
        if order != list(range(len(order))):
            for name in self.__struct_fields__:
                column = getattr(self, name)
                setattr(self, name, [column[i] for i in order] if column else [])


class SpanCounts(Struct, kw_only=True):
    """Counts of one step's spans in all runs of one version of its flow."""

    version: str | None
    runs: int = 0
    spans: int = 0
    success: int = 0
    error: int = 0
    timeout: int = 0
    skipped: int = 0
    stopped: int = 0
    incomplete: int = 0
    retries: int = 0
    retried: int = 0
    """Spans that needed more than one attempt: an upper bound where a run has several spans of the step."""
    total_ms: float = 0.0
    busy_ms: float = 0.0
    """How long at least one of its spans ran, summed over the runs."""

    @property
    def failed(self) -> int:
        return self.error + self.timeout

    def add(self, other: SpanCounts) -> None:
        for name in self.__struct_fields__[1:]:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class StepHistory(Struct, kw_only=True):
    """One step, by its static path (no ``[i]``, no ``#k``), over all runs."""

    path: str
    step_id: str
    type: str
    flow_key: str = ""
    """The flow whose file defines it: for steps of a sub-flow, the sub-flow."""
    versions: list[SpanCounts] = []
    """One entry for each version of the flow."""
    series: Series = msgspec.field(default_factory=Series)
    anomalies: dict[int, Anomaly] = {}
    """By index."""

    def outcomes(self) -> Iterator[tuple[int, int, int]]:
        """Index, failed and successful spans of each run in which it ran to an end: not those in which it was
        skipped or stopped. Without an anomaly, one successful span stands for all."""
        for index, packed in zip(self.series.runs, self.series.durations, strict=True):
            anomaly = self.anomalies.get(index)
            if anomaly is None and packed:
                yield index, 0, 1
            elif anomaly is not None and anomaly.success + anomaly.failed:
                yield index, anomaly.failed, anomaly.success

    def clean_durations(self) -> list[bytes]:
        """Packed durations of the runs without an anomaly."""
        return [
            packed
            for index, packed in zip(self.series.runs, self.series.durations, strict=True)
            if packed and index not in self.anomalies
        ]

    def clean(self, column: list[float | None] | list[int | None]) -> tuple[list[int], list[float]]:
        """Indexes and values of a column of the series in the runs without an anomaly, if known."""
        pairs = [
            (index, value)
            for index, value in zip(self.series.runs, column, strict=True)
            if value is not None and index not in self.anomalies
        ]
        return [index for index, _ in pairs], [value for _, value in pairs]

    def add(self, counts: SpanCounts) -> None:
        """Add counts to those of the same version."""
        same = next((known for known in self.versions if known.version == counts.version), None)
        if same is None:
            self.versions.append(counts)
        else:
            same.add(counts)

    def total(self) -> SpanCounts:
        """The sum of all versions."""
        total = SpanCounts(version=None)
        for counts in self.versions:
            total.add(counts)
        return total


class FailureDetails(Struct, kw_only=True):
    """Details of a step's failures and retries in the last runs that had any."""

    codes: dict[str, int] = {}
    runs: list[str] = []
    """Ids of the last runs in which it failed, newest first."""
    timed_out: dict[int, int] = {}
    """Spans that timed out, by index."""
    helped: int = 0
    """Retried spans that succeeded."""
    useless: int = 0
    """Retried spans that failed."""


class FlowHistory(Struct, kw_only=True):
    """One flow over its runs."""

    flow_key: str
    project: str | None = None
    """Its folder: flows of two projects are two, even with equal keys."""
    runs: list[RunSummary] = []
    """Oldest first."""
    steps: list[StepHistory] = []
    planned: list[str] = []
    """Static paths of the newest version's steps, in the order of the flow file; empty if unknown."""
    timeouts: dict[str, float] = {}
    """``timeoutMs`` by static path, of the newest version."""
    plan: dict[str, PlannedStep] = {}
    """The newest version's steps by static path; empty if unknown."""
    missing: int = 0
    """Spans of the runs that have not arrived where the history is."""

    @property
    def partial(self) -> list[str] | UnsetType:
        """Why figures over the runs are not of all their spans; unset if they are."""
        if not self.missing:
            return UNSET
        return [not_arrived(self.missing, sum(run.spans for run in self.runs))]

    def never_ran(self) -> set[StepKey]:
        """The planned steps that ran in none of the runs."""
        ran = {step.path for step in self.steps if step.total().spans > step.total().skipped}
        return {
            (step.flow_key, step.path.rpartition(" > ")[2])
            for path, step in self.plan.items()
            if path not in ran
        }

    @property
    def version(self) -> str | None:
        """The newest version: that of the last run whose version is known."""
        return next((run.version for run in reversed(self.runs) if run.version), None)
