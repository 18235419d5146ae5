"""The findings of `trace insights`, and the `FlowProfile` that its rules examine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from msgspec import UNSET, Struct, UnsetType

from one_trace.analyse.history import FailureDetails, FlowHistory, StepHistory, StepKey
from one_trace.analyse.stats import FlowStats, StepStats
from one_trace.analyse.timings import ListRun, LoopRun, ParallelRun
from one_trace.model.trace import Location

SCHEMA = "one-trace-insights/1"
FAILURE_WEIGHT = 2.0
"""A failure loses the whole run, and somebody has to look at it."""
NEAR_SCORE = 0.01
"""Of a problem to come."""

Evidence = dict[str, str | int | float | Sequence[str | float | None] | dict[str, int] | None]
"""Figures by name: ``*Ms`` in ms, ``*Usd`` in US dollars, ``*Bytes`` in bytes; ``share``, ``rate``: 0..1."""


class Size(Struct, rename="camel", kw_only=True):
    """What would be saved, if known: seconds, dollars and bytes per run; failures in all runs examined."""

    seconds_per_run: float | None = None
    dollars_per_run: float | None = None
    bytes_per_run: float | None = None
    failures: int | None = None


class Action(Struct, rename="camel", kw_only=True):
    """A change to one step of a flow file that a program can make: values by dotted key of the step."""

    flow_key: str
    step_id: str
    set: dict[str, int | float | str]


class Prediction(Struct, rename="camel", frozen=True, kw_only=True):
    """What the last successful runs took and would have taken with the edit, in ms. `assumed` of these
    `runs` would have executed a step that they did not execute, which then took as long as usual."""

    runs: int
    assumed: int
    now_p50_ms: float
    now_p95_ms: float
    p50_ms: float
    p95_ms: float


class Finding(Struct, rename="camel", kw_only=True):
    """One thing worth changing. `rule` is its kind, a stable code.

    `score` ranks findings of all kinds on one scale: the part of the flow's time, of its cost, or (counting
    double) of its runs that would be saved.
    """

    rank: int = 0
    rule: str
    path: str
    title: str
    evidence: Evidence
    size: Size
    score: float
    suggestion: str
    action: Action | None = None
    at: Location | None = None
    """Where the step is written; null where that is not known."""
    prediction: Prediction | None = None
    """What the edit would have changed; null where that cannot be said."""


class InsightsDocument(Struct, rename="camel", kw_only=True):
    """The answer of ``trace insights FLOW``; `rules` are all that were tried."""

    schema: str = SCHEMA
    flow_key: str
    project: str | None = None
    """The folder of the runs."""
    other_projects: list[str] = []
    """Other folders with runs of a flow of this key, which are not considered."""
    since: str | None = None
    tags: dict[str, str] = {}
    """Only runs with these tags (``--tag``)."""
    runs: int = 0
    version: str | None = None
    p50_ms: float | None = None
    cost_usd_per_run: float | None = None
    partial: list[str] | UnsetType = UNSET
    """Of a team's history: how many spans have not arrived."""
    findings: list[Finding] = []
    rules: list[str] = []


class InsightsOverview(Struct, rename="camel", kw_only=True):
    """The answer of ``trace insights`` without a flow: the flows that need attention by the score of their
    first finding."""

    schema: str = SCHEMA
    project: str | None = None
    since: str | None = None
    tags: dict[str, str] = {}
    runs: int = 0
    last_runs: int | UnsetType = UNSET
    """Of a flow with more runs, only so many were looked at, the last; unset with `since`, or if no flow has
    as many."""
    flows: list[Attention] = []
    quiet: int = 0
    """Number of flows without such a finding."""


class Attention(Struct, rename="camel", kw_only=True):
    """One flow that needs attention."""

    flow_key: str
    project: str | None
    runs: int
    last_run_at: str
    findings: int
    first: Finding
    partial: list[str] | UnsetType = UNSET
    """Of a team's history: how many spans have not arrived."""


class FlowProfile(Struct, kw_only=True, dict=True):
    """Everything that the rules examine."""

    history: FlowHistory
    stats: FlowStats
    loops: list[LoopRun] = []
    blocks: list[ParallelRun] = []
    lists: list[ListRun] = []
    sampled: int = 0
    """How many runs these three are of."""
    critical: dict[str, float] = {}
    """By static path: the part of the sampled runs' time in which they waited for this step itself."""
    failures: dict[str, FailureDetails] = {}
    """By static path."""
    ran_for_others: set[StepKey] = set()

    @property
    def runs(self) -> int:
        return len(self.history.runs)

    @property
    def flow_ms(self) -> float:
        """The mean duration of a run."""
        known = [run.duration_ms for run in self.history.runs if run.duration_ms is not None]
        return sum(known) / len(known) if known else 0.0

    @property
    def flow_usd(self) -> float:
        """The mean cost of a run."""
        return (self.stats.cost_usd or 0.0) / self.runs if self.runs else 0.0

    @cached_property
    def steps(self) -> list[tuple[StepStats, StepHistory]]:
        """Steps that have spans and are still part of the flow."""
        histories = {step.path: step for step in self.history.steps}
        pairs = [(stats, histories[stats.path]) for stats in self.stats.steps if stats.path in histories]
        return [pair for pair in pairs if not is_removed(pair[1], self.history)]

    @cached_property
    def leaves(self) -> list[tuple[StepStats, StepHistory]]:
        """Those of them without children: a container only repeats the figures of its children."""
        containers = {container(step) for step in self.history.steps}
        return [pair for pair in self.steps if pair[0].path not in containers]

    def failures_of(self, path: str) -> FailureDetails:
        return self.failures.get(path, FailureDetails())

    def since(self, index: int) -> Since:
        """The run at this index, as the beginning of something."""
        run = self.history.runs[index]
        before = self.history.runs[index - 1] if index else None
        new = before is not None and run.version is not None and before.version != run.version
        return Since(run.run_id, run.started_at, run.version, new)

    def versions(self, indexes: list[int]) -> list[str | None]:
        return [self.history.runs[index].version for index in indexes]


class Since(NamedTuple):
    """When something began: its first run, and whether that is the first run of its version."""

    run_id: str
    at: str
    version: str | None
    new_version: bool

    def evidence(self) -> Evidence:
        return {
            "since": self.at,
            "sinceRunId": self.run_id,
            "sinceVersion": self.version,
            "withNewVersion": int(self.new_version),
        }

    def __str__(self) -> str:
        return f"{self.at}{f', the first run of version {self.version}' if self.new_version else ''}"


def container(step: StepHistory) -> str:
    """The path of the container of a step."""
    return step.path[: -len(step.step_id) - len(" > ")]


def is_removed(step: StepHistory, history: FlowHistory) -> bool:
    """Whether a step is no longer part of the flow: the newest version neither plans nor ran it. If no plan
    is known: it is missing from the last runs that succeeded, at least five, where the part of the runs that
    had it before would give that in at most 2 % of cases (geometric distribution)."""
    if history.version is not None and any(counts.version == history.version for counts in step.versions):
        return False
    if history.planned and step.path not in history.planned:
        # A sub-flow whose key is an expression, or whose file was not found, has no planned steps.
        parent = container(step)
        return parent == history.flow_key or any(path.startswith(f"{parent} > ") for path in history.planned)
    had = set(step.series.runs)
    last = max(had, default=0)
    succeeded = [index for index, run in enumerate(history.runs) if run.status == "success"]
    before = [index for index in succeeded if index <= last]
    missed = len(succeeded) - len(before)
    if missed < 5 or not before:
        return False
    rate = sum(index in had for index in before) / len(before)
    return float(1 - min(rate, 0.99)) ** missed <= 0.02


def ratio(value: float, whole: float) -> float:
    """`value` as a part of `whole`, 0..1."""
    return min(max(value / whole, 0.0), 1.0) if whole > 0 else 0.0
