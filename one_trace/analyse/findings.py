"""What `trace insights` answers with: findings, each with evidence, size and a suggestion."""

from __future__ import annotations

from msgspec import Struct

from one_trace.analyse.history import FlowHistory, StepHistory
from one_trace.analyse.sample import Block, Loop
from one_trace.analyse.stats import FlowStats, StepStats

SCHEMA = "one-trace-insights/1"

Evidence = dict[str, str | int | float | list[str] | list[float | None] | dict[str, int] | None]
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
    """One thing worth doing something about.

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


class InsightsDocument(Struct, rename="camel", kw_only=True):
    """The answer of ``trace insights``; `rules` names all that were tried."""

    schema: str = SCHEMA
    flow_key: str
    since: str | None = None
    runs: int = 0
    version: str | None = None
    p50_ms: float | None = None
    cost_usd_per_run: float | None = None
    findings: list[Finding] = []
    rules: list[str] = []


class Failures(Struct, kw_only=True):
    """How a step failed in the last runs in which it did."""

    codes: dict[str, int] = {}
    runs: list[str] = []
    """Ids of the last of these runs, newest first."""


class Facts(Struct, kw_only=True):
    """All that the rules look at."""

    history: FlowHistory
    stats: FlowStats
    loops: list[Loop] = []
    blocks: list[Block] = []
    failures: dict[str, Failures] = {}
    """By static path."""
    wasted_usd: float = 0.0
    """Spent in failed runs."""

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
        """Steps that have spans, with what they are made of."""
        known = {step.path: step for step in self.history.steps}
        return [(stats, known[stats.path]) for stats in self.stats.steps if stats.path in known]

    def leaves(self) -> list[tuple[StepStats, StepHistory]]:
        """Steps without steps of their own: containers only repeat what these took."""
        steps = self.steps()
        parents = {step.path[: -len(step.step_id) - len(" > ")] for step, _ in steps}
        return [pair for pair in steps if pair[0].path not in parents]


def part(value: float, whole: float) -> float:
    """`value` in parts of `whole`, 0..1."""
    return min(max(value / whole, 0.0), 1.0) if whole > 0 else 0.0
