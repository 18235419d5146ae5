"""Rules about how a flow is made: sequential-loop, independent-steps, uneven-parallel, dead-step."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TypeVar

from one_trace.analyse.changes import LEAST_MS
from one_trace.analyse.figures import median
from one_trace.analyse.findings import Action, Facts, Finding, Size, part
from one_trace.analyse.sample import CLOCK_MS, CONCURRENT, Block, Loop, Row
from one_trace.analyse.stats import StepStats, chances
from one_trace.model.trace import PlannedStep

LOOP_SAVES = 0.05
ROW_SAVES = 0.1
ROW_SAVES_MS = 100.0
UNEVEN = 2.0
UNEVEN_ALWAYS = 0.8
DEAD_RUNS = 10
"""What never came in 10 chances may, by the rule of three, still come in 3 of 10: with fewer it is too
few."""
DEAD_SCORE = 0.001
"""Dead steps cost nothing but the reader's time."""

_ALONE = frozenset({"loop", "while", "condition", "parallel"})

_Run = TypeVar("_Run", Loop, Block)


def sequential_loop(facts: Facts) -> Iterator[Finding]:
    """A loop whose iterations run one after the other, need nothing of one another and wait for something.
    Size: what five at a time, in batches, would save of what the runs waited for."""
    for path, runs in _by_path(facts.loops).items():
        planned = facts.history.plan.get(path)
        if planned is None or planned.carries or planned.concurrency > 1 or not _waits(facts, path):
            continue
        if not all(loop.sequential for loop in runs):
            continue
        saved = _a_run(facts, sum(loop.saved_ms for loop in runs))
        if part(saved, facts.flow_ms) < LOOP_SAVES or saved < LEAST_MS:
            continue
        iterations = median([len(loop.iterations) for loop in runs])
        name = _name(facts, path)
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
            score=part(saved, facts.flow_ms),
            suggestion="No iteration reads what another left. If their order does not matter outside of the"
            f" flow either, set loop.maxConcurrency to {CONCURRENT}.",
            action=Action(flow_key=runs[0].flow_key, step_id=name, set={"loop.maxConcurrency": CONCURRENT}),
        )


def independent_steps(facts: Facts) -> Iterator[Finding]:
    """Neighbours that wait, and of which none reads anything of another. Size: all of them but the
    longest."""
    by_list: dict[str, list[Row]] = {}
    for row in facts.rows:
        by_list.setdefault(row.path, []).append(row)
    for path, rows in by_list.items():
        for group in _independent(facts, path):
            names = [step.path[len(path) + len(" > ") :] for step in group]
            times = [_one_by_one(row, names) for row in rows]
            saved = _a_run(facts, sum(sum(found) - max(found) for found in times if found))
            if part(saved, facts.flow_ms) < ROW_SAVES or saved < ROW_SAVES_MS:
                continue
            effects = [name for name, step in zip(names, group, strict=True) if step.effects]
            yield Finding(
                rule="independent-steps",
                path=group[0].path,
                title=f"{', '.join(names)} run one after the other, and none reads a result of another",
                evidence={
                    "runs": len({row.run_id for row, found in zip(rows, times, strict=True) if found}),
                    "steps": names,
                    "effects": effects,
                    "savedMs": saved,
                },
                size=Size(seconds_per_run=saved / 1000),
                score=part(saved, facts.flow_ms),
                suggestion="If none needs what another does outside of the flow (files, remote data), put"
                " them into a parallel block; its direct children log no events of their own.",
            )


def uneven_parallel(facts: Facts) -> Iterator[Finding]:
    """A parallel block as slow as one branch, always the same, twice the next one or more. Size: down to the
    next one."""
    for path, runs in _by_path(facts.blocks).items():
        ordered = [sorted(block.branches.items(), key=lambda branch: -branch[1]) for block in runs]
        longest, second = (median([branches[place][1] for branches in ordered]) or 0 for place in (0, 1))
        slowest = [branches[0][0] for branches in ordered]
        name = max(sorted(set(slowest)), key=slowest.count)
        gains = [
            (branches[0][1] - branches[1][1]) * block.awaited
            for branches, block in zip(ordered, runs, strict=True)
        ]
        saved = _a_run(facts, sum(gains))
        if longest < UNEVEN * second or slowest.count(name) < UNEVEN_ALWAYS * len(slowest):
            continue
        if part(saved, facts.flow_ms) < LOOP_SAVES or saved < LEAST_MS:
            continue
        yield Finding(
            rule="uneven-parallel",
            path=path,
            title=f"{_name(facts, path)} is as slow as its branch {name}",
            evidence={
                "runs": len({block.run_id for block in runs}),
                "branch": name,
                "slowestInRuns": slowest.count(name),
                "p50Ms": median([block.total_ms for block in runs]),
                "longestMs": longest,
                "secondMs": second,
                "runIds": list(dict.fromkeys(block.run_id for block in runs))[:3],
            },
            size=Size(seconds_per_run=saved / 1000),
            score=part(saved, facts.flow_ms),
            suggestion=f"Split {name} into branches of its own, or start it earlier: the rest waits for it.",
        )


def dead_step(facts: Facts) -> Iterator[Finding]:
    """A step that never ran although it could have, in ten chances in the newest version or more: what
    failed, stopped or was skipped before it is no chance."""
    dead = [step for step in facts.stats.steps if _chances(facts, step) >= DEAD_RUNS]
    paths = [step.path for step in dead]
    for step in dead:
        if any(step.path.startswith(f"{path} > ") for path in paths):
            continue
        times = _chances(facts, step)
        planned = facts.history.plan.get(step.path)
        yield Finding(
            rule="dead-step",
            path=step.path,
            title=f"{step.step_id} {_why(facts, step, planned, times)}",
            evidence={
                "runs": facts.runs,
                "chances": times,
                "skipped": step.outcomes.skipped,
                "rateHigh": 3 / times,
            },
            size=Size(),
            score=DEAD_SCORE,
            suggestion="See whether the condition that keeps it from running is as it should be."
            if step.count or (planned is not None and planned.branch)
            else "See what keeps it from running; if nothing should run it, it can go.",
        )


def _why(facts: Facts, step: StepStats, planned: PlannedStep | None, times: int) -> str:
    if step.count:
        return f"was skipped each of the {times} times that it could have run"
    above = facts.history.plan.get(step.path[: -len(step.step_id) - len(" > ")])
    if planned is not None and planned.branch:
        return f"never ran: in {times} times the condition went the other way"
    if above is not None and above.type == "loop":
        return f"never ran: the loop had nothing to go over, {times} times"
    return f"never ran in {times} times that it could have"


def _chances(facts: Facts, step: StepStats) -> int:
    """How often a step that never ran could have; 0 for one that did, in whatever version."""
    if step.outcomes.skipped != step.count:
        return 0
    if step.count:
        known = next((one for one in facts.steps() if one[0].path == step.path), None)
        newest = facts.history.version
        tallies = known[1].tallies if known is not None else []
        return sum(tally.skipped for tally in tallies if tally.version == newest)
    return chances(step.path, facts.history) if "never-ran" in step.flags else 0


def _independent(facts: Facts, path: str) -> Iterator[list[PlannedStep]]:
    """The longest rows of neighbours in one list of which none reads anything of another and all wait."""
    plan = facts.history.plan
    lead = f"{path} > "
    own = [
        step for step in plan.values() if step.path.startswith(lead) and " > " not in step.path[len(lead) :]
    ]
    above = plan.get(path)
    if above is not None and above.type == "parallel":
        return
    group: list[PlannedStep] = []
    for step in own:
        reads = _reads(plan, step)
        taken = {other.path[len(lead) :] for other in group} | _inner_ids(plan, group)
        # Two loops in one parallel block share what `$.loop` is, and take it from one another.
        free = not step.guarded and step.type not in _ALONE and "*" not in reads and _waits(facts, step.path)
        alike = bool(group) and group[-1].branch == step.branch
        if free and alike and not reads & taken:
            group.append(step)
            continue
        if len(group) > 1:
            yield group
        group = [step] if free else []
    if len(group) > 1:
        yield group


def _reads(plan: dict[str, PlannedStep], step: PlannedStep) -> set[str]:
    """What a step and those in it read; a sub-flow's steps read their own flow's results."""
    inner = (
        other
        for other in plan.values()
        if other.path.startswith(f"{step.path} > ") and other.flow_key == step.flow_key
    )
    return set(step.reads).union(*(other.reads for other in inner))


def _inner_ids(plan: dict[str, PlannedStep], group: Sequence[PlannedStep]) -> set[str]:
    return {
        path.rpartition(" > ")[2] for step in group for path in plan if path.startswith(f"{step.path} > ")
    }


def _one_by_one(row: Row, names: Sequence[str]) -> list[float]:
    """The times, in ms, that the run waited for each of these steps, where they ran one after the other."""
    found = [row.steps[name] for name in names if name in row.steps]
    apart = all(later[0] >= before[1] - CLOCK_MS for before, later in itertools.pairwise(found))
    if len(found) < len(names) or not apart:
        return []
    return [(end - start) * awaited for start, end, awaited in found]


def _waits(facts: Facts, path: str) -> bool:
    """Whether a step, or one in it, waits for something outside of the one thread of JavaScript."""
    plan = facts.history.plan
    own = plan.get(path)
    if own is not None and own.waits:
        return True
    return any(step.waits for step in plan.values() if step.path.startswith(f"{path} > "))


def _a_run(facts: Facts, ms: float) -> float:
    """What was saved in all sampled runs, for one of them; never more than a run takes."""
    return min(ms / max(facts.sampled, 1), facts.flow_ms)


def _by_path(runs: Sequence[_Run]) -> dict[str, list[_Run]]:
    found: dict[str, list[_Run]] = {}
    for run in runs:
        found.setdefault(run.path, []).append(run)
    return found


def _name(facts: Facts, path: str) -> str:
    return next((step.step_id for step in facts.history.steps if step.path == path), path)
