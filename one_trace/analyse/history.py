"""What the store knows of a flow over all its runs, in the shape that statistics and insights read.

Plain data: `one_trace.analyse.query` fills it from the store, tests write it by hand.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from msgspec import Struct

from one_trace.model.trace import PlannedStep


class RunFacts(NamedTuple):
    """One run, as the runs table has it."""

    run_id: str
    version: str | None
    status: str
    started_at: str
    duration_ms: float | None
    cost_usd: float | None
    number: int = 0
    """The store's own."""
    spans: int = 0


class Anomaly(NamedTuple):
    """One step in one run in which not all went well: the run's place, and counts of spans."""

    place: int
    success: int
    error: int
    timeout: int
    retries: int
    unended: int
    """Stopped, or never seen to end."""

    @property
    def failed(self) -> int:
        return self.error + self.timeout


class Series(Struct, kw_only=True):
    """One step's runs as columns, oldest first: an entry a run in which it has spans, all its iterations
    together.

    Columns, since a million small rows cost more to make than to sum up.
    """

    runs: list[int] = []
    """Which run: its place in `FlowHistory.runs`."""
    durations: list[bytes | None] = []
    """Packed, ms, one a span that has one."""
    mean_ms: list[float | None] = []
    """Of its spans that succeeded; right only for runs without an anomaly."""
    output_bytes: list[int | None] = []
    """Of all its spans together; null where nothing is known."""
    cost_usd: list[float | None] = []
    models: list[str | None] = []
    """Names of models, as JSON; read for insights alone."""

    def put_in_order(self) -> None:
        """Sort the columns by the runs' places; most are sorted as they are read."""
        order = sorted(range(len(self.runs)), key=self.runs.__getitem__)
        if order != list(range(len(order))):
            self.runs = [self.runs[i] for i in order]
            self.durations = [self.durations[i] for i in order]
            self.mean_ms = [self.mean_ms[i] for i in order]
            self.output_bytes = [self.output_bytes[i] for i in order]
            self.cost_usd = [self.cost_usd[i] for i in order]
            self.models = [self.models[i] for i in order] if self.models else []


class Tally(Struct, kw_only=True):
    """What became of one step in all runs of one version of its flow: counts of spans, but for `runs`."""

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
    """Spans that needed more than one attempt: at most so many, exactly so where a run has one span of the
    step.
    """
    failed_runs: int = 0
    """Runs in which at least one of its spans failed or timed out."""
    total_ms: float = 0.0
    self_ms: float = 0.0
    """Without the time of its children."""
    busy_ms: float = 0.0
    """How long at least one of its spans ran, run by run."""

    @property
    def failed(self) -> int:
        return self.error + self.timeout

    def take(self, other: Tally) -> None:
        """Add what another one counted."""
        for name in COUNTED:
            setattr(self, name, getattr(self, name) + getattr(other, name))


COUNTED = tuple(name for name in Tally.__struct_fields__ if name != "version")


class StepHistory(Struct, kw_only=True):
    """One step, by its static path (no ``[i]``, no ``#k``), over all runs."""

    path: str
    step_id: str
    type: str
    flow_key: str = ""
    """The flow whose file holds it: a sub-flow's, for its steps."""
    tallies: list[Tally] = []
    """One a version of the flow."""
    series: Series = msgspec.field(default_factory=Series)
    anomalies: dict[int, Anomaly] = {}
    """By the run's place: only the runs in which not all went well."""

    def ran(self) -> list[int]:
        """The places of the runs in which it ran to an end, good or bad: not those in which it was skipped or
        stopped."""
        return [
            place
            for place, blob in zip(self.series.runs, self.series.durations, strict=True)
            if (
                self.anomalies[place].success + self.anomalies[place].failed
                if place in self.anomalies
                else blob
            )
        ]

    def clean(self) -> list[bytes]:
        """Durations in the runs in which all of its spans succeeded at the first attempt."""
        return [
            blob
            for place, blob in zip(self.series.runs, self.series.durations, strict=True)
            if blob and place not in self.anomalies
        ]

    def means(self) -> list[tuple[int, float]]:
        """Place and mean duration in ms of the same runs."""
        return [
            (place, mean)
            for place, mean in zip(self.series.runs, self.series.mean_ms, strict=True)
            if mean is not None and place not in self.anomalies
        ]

    def add(self, tally: Tally) -> None:
        """Count these in with their version."""
        same = next((known for known in self.tallies if known.version == tally.version), None)
        if same is None:
            self.tallies.append(tally)
        else:
            same.take(tally)

    def sum(self) -> Tally:
        """All versions together."""
        whole = Tally(version=None)
        for tally in self.tallies:
            whole.take(tally)
        return whole


NAMED_RUNS = 3


class Failures(Struct, kw_only=True):
    """What single spans tell of a step's failures and retries, of the last runs that had any."""

    codes: dict[str, int] = {}
    runs: list[str] = []
    """Ids of the last runs in which it failed, newest first."""
    timed_out: dict[int, int] = {}
    """Spans that timed out, by the run's place."""
    retried: dict[int, int] = {}
    """Spans that needed more than one attempt, by the run's place."""
    helped: int = 0
    """Spans that were tried again and succeeded,"""
    useless: int = 0
    """and that failed all the same."""

    def note(self, place: int, run_id: str, code: str | None, *, timed_out: bool) -> None:
        """Count a span that failed; newest runs first."""
        name = code or ("TIMEOUT" if timed_out else "no code")
        self.codes[name] = self.codes.get(name, 0) + 1
        if timed_out:
            self.timed_out[place] = self.timed_out.get(place, 0) + 1
        if len(self.runs) < NAMED_RUNS and run_id not in self.runs:
            self.runs.append(run_id)


class FlowHistory(Struct, kw_only=True):
    """One flow over its runs."""

    flow_key: str
    project: str | None = None
    """The folder it ran in: flows of two projects are two, whatever their keys."""
    runs: list[RunFacts] = []
    """Oldest first."""
    steps: list[StepHistory] = []
    planned: list[str] = []
    """Static paths of every step of the flow's newest version, in the order of the flow file; empty where
    unknown.
    """
    timeouts: dict[str, float] = {}
    """``timeoutMs`` by static path, of the newest version."""
    plan: dict[str, PlannedStep] = {}
    """The planned steps by static path, with what the flow file says of them; empty where unknown."""

    @property
    def version(self) -> str | None:
        """The newest version: that of the last run that tells one."""
        return next((run.version for run in reversed(self.runs) if run.version), None)
