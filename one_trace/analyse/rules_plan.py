"""Rules about how a flow is built: sequential-loop, independent-steps, uneven-parallel, dead-step."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from one_trace.analyse.changes import LEAST_MS
from one_trace.analyse.findings import Action, Finding, FlowProfile, Size, ratio
from one_trace.analyse.quantiles import median
from one_trace.analyse.stats import StepStats, chances
from one_trace.analyse.timings import CLOCK_MS, CONCURRENT, ListRun, LoopRun, ParallelRun
from one_trace.model.trace import PlannedStep

LEAST_SAVED = 0.05
LEAST_SAVED_PARALLEL = 0.1
LEAST_SAVED_PARALLEL_MS = 100.0
UNEVEN = 2.0
UNEVEN_ALWAYS = 0.8
DEAD_RUNS = 10
"""By the rule of three, what never happened in 10 runs may still happen in 3 of 10 (95 %): fewer are too
few."""
DEAD_SCORE = 0.001
"""Dead steps cost nothing but the reader's time."""

_NEVER_MOVED = frozenset({"loop", "while", "condition", "parallel"})
_Run = TypeVar("_Run", LoopRun, ParallelRun, ListRun)


def sequential_loop(flow: FlowProfile) -> Iterator[Finding]:
    """A loop whose iterations run one after the other, do not depend on one another and wait for something.
    Saving: what batches of five would save of the time that runs waited for it."""
    for path, runs in _by_path(flow.loops).items():
        planned = flow.history.plan.get(path)
        if planned is None or planned.carries or planned.concurrency > 1 or not _waits(flow, path):
            continue
        saved = _saved_per_run(flow, [loop.saved_ms for loop in runs])
        if not all(loop.sequential for loop in runs) or not _worth_it(flow, saved):
            continue
        iterations = median([len(loop.iterations) for loop in runs])
        name = _step_id(flow, path)
        yield Finding(
            rule="sequential-loop",
            path=path,
            title=f"{name} runs {iterations:.0f} iterations one after the other",
            evidence={
                "runs": len({loop.run_id for loop in runs}),
                "iterations": iterations,
                "p50Ms": median([loop.total_ms for loop in runs]),
                "expectedMs": median([loop.concurrent_ms for loop in runs]),
                "runIds": list(dict.fromkeys(loop.run_id for loop in runs))[:3],
            },
            size=Size(seconds_per_run=saved / 1000),
            score=ratio(saved, flow.flow_ms),
            suggestion="No iteration reads a result of another. If their order does not matter outside of the"
            f" flow either, set loop.maxConcurrency to {CONCURRENT}.",
            action=Action(flow_key=runs[0].flow_key, step_id=name, set={"loop.maxConcurrency": CONCURRENT}),
        )


def independent_steps(flow: FlowProfile) -> Iterator[Finding]:
    """Neighbours that wait for something and do not read one another's results. Saving: all but the
    longest."""
    for path, lists in _by_path(flow.lists).items():
        for group in _independent(flow, path):
            ids = [step.path[len(path) + len(" > ") :] for step in group]
            times = [_sequential_times(run, ids) for run in lists]
            saved = _saved_per_run(flow, [sum(each) - max(each) for each in times if each])
            if ratio(saved, flow.flow_ms) < LEAST_SAVED_PARALLEL or saved < LEAST_SAVED_PARALLEL_MS:
                continue
            yield Finding(
                rule="independent-steps",
                path=group[0].path,
                title=f"{', '.join(ids)} run one after the other, and none reads a result of another",
                evidence={
                    "runs": len({run.run_id for run, each in zip(lists, times, strict=True) if each}),
                    "steps": ids,
                    "effects": [name for name, step in zip(ids, group, strict=True) if step.effects],
                    "savedMs": saved,
                },
                size=Size(seconds_per_run=saved / 1000),
                score=ratio(saved, flow.flow_ms),
                suggestion="If none depends on what another does outside of the flow (files, remote data),"
                " put them into a parallel block; its direct children log no events of their own.",
            )


def uneven_parallel(flow: FlowProfile) -> Iterator[Finding]:
    """A parallel block as slow as one branch, always the same, which takes twice as long as the next one.
    Saving: the difference between these two."""
    for path, runs in _by_path(flow.blocks).items():
        ordered = [sorted(run.branches.items(), key=lambda branch: -branch[1]) for run in runs]
        longest, second = (median([branches[rank][1] for branches in ordered]) or 0 for rank in (0, 1))
        slowest = [branches[0][0] for branches in ordered]
        name = max(sorted(set(slowest)), key=slowest.count)
        saved = _saved_per_run(
            flow,
            [
                (branches[0][1] - branches[1][1]) * run.awaited
                for branches, run in zip(ordered, runs, strict=True)
            ],
        )
        always = slowest.count(name) >= UNEVEN_ALWAYS * len(slowest)
        if longest < UNEVEN * second or not always or not _worth_it(flow, saved):
            continue
        yield Finding(
            rule="uneven-parallel",
            path=path,
            title=f"{_step_id(flow, path)} is as slow as its branch {name}",
            evidence={
                "runs": len({run.run_id for run in runs}),
                "branch": name,
                "slowestInRuns": slowest.count(name),
                "p50Ms": median([run.total_ms for run in runs]),
                "longestMs": longest,
                "secondMs": second,
                "runIds": list(dict.fromkeys(run.run_id for run in runs))[:3],
            },
            size=Size(seconds_per_run=saved / 1000),
            score=ratio(saved, flow.flow_ms),
            suggestion=f"Split {name} into several branches, or start it earlier: the others wait for it.",
        )


def dead_step(flow: FlowProfile) -> Iterator[Finding]:
    """A step that never ran although it could have at least ten times in the newest version: not because of
    an earlier failure, stop or skip, and not if it ran for another caller of its sub-flow."""
    dead = {step.path: n for step in flow.stats.steps if (n := _missed_chances(flow, step)) >= DEAD_RUNS}
    for step in flow.stats.steps:
        if step.path not in dead or any(step.path.startswith(f"{path} > ") for path in dead):
            continue
        missed = dead[step.path]
        planned = flow.history.plan.get(step.path)
        if planned is not None and (planned.flow_key, step.step_id) in flow.ran_for_others:
            continue
        conditional = step.count > 0 or (planned is not None and planned.branch is not None)
        yield Finding(
            rule="dead-step",
            path=step.path,
            title=f"{step.step_id} {_why_dead(flow, step, planned, missed)}",
            evidence={
                "runs": flow.runs,
                "chances": missed,
                "skipped": step.outcomes.skipped,
                "rateHigh": 3 / missed,
            },
            size=Size(),
            score=DEAD_SCORE,
            suggestion="Check that its condition is right."
            if conditional
            else "Find out what keeps it from running; if nothing should run it, it can go.",
        )


def _why_dead(flow: FlowProfile, step: StepStats, planned: PlannedStep | None, missed: int) -> str:
    if step.count:
        return f"was skipped all {missed} times that it could have run"
    parent = flow.history.plan.get(step.path[: -len(step.step_id) - len(" > ")])
    if planned is not None and planned.branch:
        return f"never ran: the condition took the other branch {missed} times"
    if parent is not None and parent.type == "loop":
        return f"never ran: the loop had no items {missed} times"
    return f"never ran, although it could have {missed} times"


def _missed_chances(flow: FlowProfile, step: StepStats) -> int:
    """How often a step that never ran could have; 0 for one that ran in any version."""
    if step.outcomes.skipped != step.count:
        return 0
    if not step.count:
        return chances(step.path, flow.history) if "never-ran" in step.flags else 0
    return sum(
        counts.skipped
        for stats, history in flow.steps
        if stats.path == step.path
        for counts in history.versions
        if counts.version == flow.history.version
    )


def _independent(flow: FlowProfile, path: str) -> Iterator[list[PlannedStep]]:
    """The longest series of neighbours in one list that all wait and do not read one another's results."""
    plan, lead = flow.history.plan, f"{path} > "
    if path in plan and plan[path].type == "parallel":
        return
    group: list[PlannedStep] = []
    for step in plan.values():
        if not step.path.startswith(lead) or " > " in step.path[len(lead) :]:
            continue
        reads = _reads(plan, step)
        # Two loops in one parallel block would share `$.loop`.
        movable = not step.guarded and step.type not in _NEVER_MOVED and "*" not in reads
        movable = movable and _waits(flow, step.path)
        if movable and group and group[-1].branch == step.branch and not reads & _ids(plan, group):
            group.append(step)
            continue
        if len(group) > 1:
            yield group
        group = [step] if movable else []
    if len(group) > 1:
        yield group


def _reads(plan: dict[str, PlannedStep], step: PlannedStep) -> set[str]:
    """The results that a step and those in it read; the steps of a sub-flow read those of their own flow."""
    inner = (other for other in _inside(plan, step.path) if other.flow_key == step.flow_key)
    return set(step.reads).union(*(other.reads for other in inner))


def _ids(plan: dict[str, PlannedStep], group: Sequence[PlannedStep]) -> set[str]:
    """The ids of steps and of those in them."""
    steps = [*group, *(inner for step in group for inner in _inside(plan, step.path))]
    return {step.path.rpartition(" > ")[2] for step in steps}


def _inside(plan: dict[str, PlannedStep], path: str) -> list[PlannedStep]:
    return [step for step in plan.values() if step.path.startswith(f"{path} > ")]


def _sequential_times(run: ListRun, ids: Sequence[str]) -> list[float]:
    """The times in ms that the run waited for each of these steps, if they ran one after the other; else
    empty."""
    steps = [run.steps[name] for name in ids if name in run.steps]
    apart = all(later[0] >= before[1] - CLOCK_MS for before, later in itertools.pairwise(steps))
    return (
        [(end - start) * awaited for start, end, awaited in steps] if len(steps) == len(ids) and apart else []
    )


def _waits(flow: FlowProfile, path: str) -> bool:
    """Whether a step, or one in it, waits for something outside of the one JavaScript thread."""
    plan = flow.history.plan
    return (path in plan and plan[path].waits) or any(step.waits for step in _inside(plan, path))


def _saved_per_run(flow: FlowProfile, saved_ms: Sequence[float]) -> float:
    """The mean over the sampled runs, in ms; never more than a run takes."""
    return min(sum(saved_ms) / max(flow.sampled, 1), flow.flow_ms)


def _worth_it(flow: FlowProfile, saved_ms: float) -> bool:
    return ratio(saved_ms, flow.flow_ms) >= LEAST_SAVED and saved_ms >= LEAST_MS


def _by_path(runs: Iterable[_Run]) -> dict[str, list[_Run]]:
    by_path: dict[str, list[_Run]] = {}
    for run in runs:
        by_path.setdefault(run.path, []).append(run)
    return by_path


def _step_id(flow: FlowProfile, path: str) -> str:
    return next((step.step_id for step in flow.history.steps if step.path == path), path)
