"""What `trace insights` answers with: findings, each with evidence, size and a suggestion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

from one_trace.analyse.history import Failures, FlowHistory, StepHistory
from one_trace.analyse.sample import Block, Loop, Row
from one_trace.analyse.stats import FlowStats, StepStats
from one_trace.model.trace import Location

SCHEMA = "one-trace-insights/1"
FAILURE_WEIGHT = 2.0
"""A failure loses the whole run, and somebody has to look."""
NEAR_SCORE = 0.01
"""Of what will become a problem."""

Evidence = dict[str, str | int | float | Sequence[str | float | None] | dict[str, int] | None]
"""Figures by their names; ``*Ms`` are ms, ``*Usd`` dollars, ``*Bytes`` bytes, ``share`` and ``rate`` parts
of 1.
"""


class Size(Struct, rename="camel", kw_only=True):
    """What would be saved, where it can be said: a run's seconds, dollars, bytes; failures over the runs
    looked at.
    """

    seconds_per_run: float | None = None
    dollars_per_run: float | None = None
    bytes_per_run: float | None = None
    failures: int | None = None


class Action(Struct, rename="camel", kw_only=True):
    """A change to one step of one flow file that a program can make: dotted keys of the step, and their
    values.
    """

    flow_key: str
    step_id: str
    set: dict[str, int | float | str]


class Finding(Struct, rename="camel", kw_only=True):
    """One thing worth doing something about. `rule` is its kind, a code that stays.

    `score` ranks findings of all kinds on one scale: the part of the flow's time, of its cost, or (counting
    double, since a failure loses the whole run) of its runs that would be saved.
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


class InsightsDocument(Struct, rename="camel", kw_only=True):
    """The answer of ``trace insights``; `rules` names all that were tried."""

    schema: str = SCHEMA
    flow_key: str
    project: str | None = None
    """The folder that the runs are of."""
    other_projects: list[str] = []
    """Other folders with runs of a flow of this key, which are not looked at."""
    since: str | None = None
    runs: int = 0
    version: str | None = None
    p50_ms: float | None = None
    cost_usd_per_run: float | None = None
    findings: list[Finding] = []
    rules: list[str] = []


class InsightsOverview(Struct, rename="camel", kw_only=True):
    """The answer of ``trace insights`` without a flow: those that need attention, the one that most would be
    saved in first, each with its first finding; the others are counted."""

    schema: str = SCHEMA
    project: str | None = None
    since: str | None = None
    runs: int = 0
    flows: list[Attention] = []
    quiet: int = 0
    """Flows of which there is nothing to report."""


class Attention(Struct, rename="camel", kw_only=True):
    """One flow that needs attention."""

    flow_key: str
    project: str | None
    runs: int
    last_run_at: str
    findings: int
    first: Finding


class Facts(Struct, kw_only=True):
    """All that the rules look at."""

    history: FlowHistory
    stats: FlowStats
    loops: list[Loop] = []
    blocks: list[Block] = []
    rows: list[Row] = []
    sampled: int = 0
    """How many runs were looked at one by one."""
    critical: dict[str, float] = {}
    """By static path: the part of the sampled runs' time in which they waited for this step itself."""
    failures: dict[str, Failures] = {}
    """By static path."""

    @property
    def runs(self) -> int:
        return len(self.history.runs)

    @property
    def flow_ms(self) -> float:
        """What a run of the flow takes, on average."""
        known = [run.duration_ms for run in self.history.runs if run.duration_ms is not None]
        return sum(known) / len(known) if known else 0.0

    @property
    def flow_usd(self) -> float:
        """What a run of the flow costs, on average."""
        return (self.stats.cost_usd or 0.0) / self.runs if self.runs else 0.0

    def steps(self) -> list[tuple[StepStats, StepHistory]]:
        """Steps that have spans and are still there, with what they are made of."""
        known = {step.path: step for step in self.history.steps}
        pairs = [(stats, known[stats.path]) for stats in self.stats.steps if stats.path in known]
        return [pair for pair in pairs if not gone(pair[1], self.history)]

    def leaves(self) -> list[tuple[StepStats, StepHistory]]:
        """Steps without steps of their own: containers only repeat what these took."""
        steps = self.steps()
        parents = {above(step) for step in self.history.steps}
        return [pair for pair in steps if pair[0].path not in parents]

    def of(self, path: str) -> Failures:
        return self.failures.get(path, Failures())

    def since(self, place: int) -> Since:
        """The run at this place, as the beginning of something."""
        run = self.history.runs[place]
        before = self.history.runs[place - 1] if place else None
        new = before is not None and run.version is not None and before.version != run.version
        return Since(run.run_id, run.started_at, run.version, new)


class Since(NamedTuple):
    """When something began: in which run, of which version, and whether it is the first of that version."""

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


def above(step: StepHistory) -> str:
    """The path of what a step stands in."""
    return step.path[: -len(step.step_id) - len(" > ")]


def gone(step: StepHistory, history: FlowHistory) -> bool:
    """Whether a step is of the past: the newest version plans it no more and has not run it, or, where that
    is not known, it ran no more in so many runs that succeeded that it would seldom (2 %) have been left out
    so often."""
    if any(tally.version == history.version for tally in step.tallies if history.version is not None):
        return False
    if history.planned and step.path not in history.planned:
        # A sub-flow whose key is a value, or whose file is not found, is not planned: nothing is known of it.
        parent = above(step)
        return parent == history.flow_key or any(path.startswith(f"{parent} > ") for path in history.planned)
    places = set(step.series.runs)
    last = max(places, default=0)
    chances = [place for place, run in enumerate(history.runs) if run.status == "success"]
    missed = sum(place > last for place in chances)
    had = sum(place in places for place in chances if place <= last)
    before = len(chances) - missed
    return missed >= 5 and before > 0 and float((1 - min(had / before, 0.99)) ** missed) <= 0.02


def part(value: float, whole: float) -> float:
    """`value` in parts of `whole`, 0..1."""
    return min(max(value / whole, 0.0), 1.0) if whole > 0 else 0.0
