"""One history: runs of one flow made by hand, and what must be found in it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from one_trace.model.times import to_iso
from one_trace.model.trace import Assembly, Counts, Executor, PlannedStep, Run, Span, SpanStatus, Trace, Usage

START_MS = 1_775_469_720_000
HOUR_MS = 3_600_000
NEUTRAL = frozenset({"slow", "expensive"})
"""Statements of where time and money go: true of flows that do well, too."""


@dataclass
class History:
    """`must`: (rule, step id) of each finding that has to come; `may`: such that may. All others are
    wrong."""

    kind: str
    flow: str
    runs: list[Assembly]
    must: set[tuple[str, str]]
    may: set[tuple[str, str]] = field(default_factory=set)


class Draft:
    """One run in the making: a clock, and the spans so far."""

    def __init__(self, flow: str, number: int, random: Random, *, every_ms: int = HOUR_MS) -> None:
        self.flow = flow
        self.number = number
        self.random = random
        self.start_ms = START_MS + number * every_ms
        self.now = 0.0
        self.spans: list[Span] = []
        self.status = "success"
        self.cwd = "/home/somebody/project"
        self.version: str | None = "v1"
        self.plan: list[PlannedStep] = []
        self.parent_run_id: str | None = None

    def noisy(self, ms: float, spread: float = 0.1) -> float:
        """A time as it varies: lognormal, in whole milliseconds."""
        return float(round(ms * self.random.lognormvariate(0, spread)))

    def step(
        self,
        step_id: str,
        ms: float | None = 100.0,
        *,
        status: SpanStatus = "success",
        kind: str = "bash",
        parent: Span | None = None,
        iteration: int | None = None,
        branch: str | None = None,
        start: float | None = None,
        retries: int = 0,
        code: str | None = None,
        usd: float | None = None,
        model: str = "sonnet",
        output: int = 500,
    ) -> Span:
        begin = self.now if start is None else start
        lead = self.flow if parent is None else parent.path
        where = f"{lead}[{iteration}]" if iteration is not None else lead
        ran = status not in ("skipped", "incomplete")
        span = Span(
            span_id=f"{len(self.spans) + 1:016x}",
            parent_span_id=parent.span_id if parent else None,
            step_id=step_id,
            name=step_id,
            type=kind,
            flow_key=self.flow,
            path=f"{where} > {step_id}",
            iteration=iteration,
            branch=branch,
            index=0,
            parent_attempt=1 if parent else None,
            attempts=retries + 1,
            retries=retries,
            status=status,
            started_at=to_iso(self.start_ms + begin),
            start_ms=begin,
            duration_ms=ms if ran else None,
            output_bytes=output if status == "success" else None,
            error="it broke" if status in ("error", "timeout") else None,
            error_code=code or ("HTTP_503" if status == "error" else None),
            usage=Usage(input_tokens=10, output_tokens=5, cost_usd=usd, turns=1, models=[model])
            if usd is not None
            else None,
        )
        self.spans.append(span)
        if ran and start is None:
            self.now = begin + (ms or 0.0)
        if status == "error" and parent is None:
            self.status = "error"
        return span

    def close(self, span: Span, status: SpanStatus = "success") -> Span:
        """A container ends when what is in it has ended."""
        inside = [one for one in self.spans if one.parent_span_id == span.span_id]
        end = max([one.start_ms + (one.duration_ms or 0.0) for one in inside], default=span.start_ms)
        span.duration_ms, span.status = end - span.start_ms, status
        self.now = max(self.now, end)
        if status == "error":
            self.status = "error"
        return span

    def done(self) -> Assembly:
        counts = Counts(spans=len(self.spans), retries=sum(one.retries for one in self.spans))
        for one in self.spans:
            setattr(counts, one.status, getattr(counts, one.status) + 1)
        costs = [one.usage.cost_usd for one in self.spans if one.usage and one.usage.cost_usd is not None]
        ended = self.status != "incomplete"
        run_id = f"{self.random.getrandbits(48):012x}"
        run = Run(
            run_id=run_id,
            trace_id=f"{int(run_id, 16):032x}",
            flow_key=self.flow,
            status=self.status,
            started_at=to_iso(self.start_ms),
            ended_at=to_iso(self.start_ms + self.now) if ended else None,
            duration_ms=self.now if ended else None,
            executor=Executor(name="one-cli", version="1.52.1"),
            cwd=self.cwd,
            counts=counts,
            usage=Usage(cost_usd=sum(costs), models=["sonnet"]) if costs else None,
            parent_run_id=self.parent_run_id,
        )
        plan = self.plan if self.version is not None else []
        return Assembly(
            trace=Trace(run=run, spans=self.spans),
            flow_version=self.version,
            plan=plan,
            static_paths=[step.path for step in plan],
            step_timeouts={step.path: step.timeout_ms for step in plan if step.timeout_ms is not None},
        )


def planned(flow: str, *steps: str | tuple[str, dict[str, object]]) -> list[PlannedStep]:
    """A plan: ids (`each/get` for what stands in `each`), each with what else the flow file says of it."""
    found = []
    for step in steps:
        name, more = step if isinstance(step, tuple) else (step, {})
        fields = {"type": "bash", "waits": True, "flow_key": flow, **more}
        found.append(PlannedStep(path=" > ".join([flow, *name.split("/")]), **fields))  # type: ignore[arg-type]
    return found


def chain(flow: str, *steps: str | tuple[str, dict[str, object]]) -> list[PlannedStep]:
    """The same where each step reads the one before it: nothing of it could run at a time."""
    found = planned(flow, *steps)
    for before, later in itertools.pairwise(found):
        later.reads = [*later.reads, before.path.rpartition(" > ")[2]]
    return found


Make = Callable[[Draft], None]


def runs(flow: str, random: Random, count: int, make: Make, plan: Sequence[PlannedStep]) -> list[Assembly]:
    """`count` runs, each filled by `make`."""
    found = []
    for number in range(count):
        draft = Draft(flow, number, random)
        draft.plan = list(plan)
        make(draft)
        found.append(draft.done())
    return found
