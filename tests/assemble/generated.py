"""Flows made at random, run by the built-in runner in no time, and held against what really happened."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from one_trace.assemble import assemble
from one_trace.model import Span, Trace
from one_trace.record import RunFiles, read
from one_trace.runner.observer import Behaviour
from one_trace.runner.truth import TrueSpan, Truth, run_for_truth

TIMES = [0, 0, 1, 5, 5, 10, 10, 20, 20, 35]
ODD = ["a.b", "a b", "x/y", "é", "9"]
LOOPS = 8
UNSAVED = ("Invalid string length", "Converting circular structure")
_INSTANCE = re.compile(r"\[\d+\]|#\d+")


@dataclass
class Made:
    """A set of flows, and what each step does the nth time it is begun."""

    flows: dict[str, Any]
    bodies: dict[str, list[Behaviour]]
    stop_after: str | None = None

    def behaviour(self, step: dict[str, Any], before: int, attempt: int) -> Behaviour | None:
        bodies = self.bodies.get(step["id"])
        return bodies[(before + attempt - 1) % len(bodies)] if bodies else None


@dataclass
class Maker:
    """Makes flows. `trouble`: failures, time-outs, retries and skips; `wide`: many at a time."""

    random: Random
    trouble: bool = True
    wide: bool = True
    bodies: dict[str, list[Behaviour]] = field(default_factory=dict)
    count: int = 0
    turns: int = 1
    loops: int = 0
    """`turns`: how often a step at this depth runs; `loops`: how many loops run in all, at most. A loop's
    result holds copies of those before it, so that many loops in a row make a state of gigabytes."""

    def make(self, depth: int) -> Made:
        flows = {
            "sub-b": self.flow("sub-b", self.steps(1, [])),
            "sub-a": self.flow("sub-a", self.steps(2, ["sub-b"])),
            "main": self.flow("main", self.steps(depth, ["sub-a", "sub-b"])),
        }
        made = Made(flows, self.bodies)
        if self.trouble and self.random.random() < 0.05:
            made.stop_after = self.random.choice(sorted(_ids(flows["main"]["steps"])))
        return made

    def flow(self, key: str, steps: list[dict[str, Any]]) -> dict[str, Any]:
        made: dict[str, Any] = {"key": key, "name": key, "inputs": {}, "steps": steps}
        if self.trouble and self.random.random() < 0.1:
            made["defaultOnError"] = {"strategy": "continue"}
        return made

    def steps(self, depth: int, subs: list[str], least: int = 1) -> list[dict[str, Any]]:
        return [self.step(depth, subs) for _ in range(self.random.randint(least, 3))]

    def step(self, depth: int, subs: list[str]) -> dict[str, Any]:
        self.count += 1
        step_id = (
            f"s{self.count}" if self.random.random() < 0.95 else f"{self.random.choice(ODD)}{self.count}"
        )
        kinds = ["leaf"] * 3
        if depth > 0 and self.loops + self.turns <= LOOPS:
            kinds += ["loop", "loop", "parallel", "condition", "while"] + (["flow"] if subs else [])
        kind = self.random.choice(kinds)
        step = {"id": step_id, "name": step_id.upper(), **self._inside(kind, depth - 1, subs, step_id)}
        if self.trouble:
            self._handle(step)
        return step

    def _inside(self, kind: str, depth: int, subs: list[str], step_id: str) -> dict[str, Any]:
        pick = self.random
        if kind == "leaf":
            self.bodies[step_id] = [self._body() for _ in range(pick.randint(1, 4))]
            return {"type": "code", "code": {"source": "return 1"}}
        if kind == "loop":
            items = [1] * pick.randint(0, 5 if self.turns == 1 else 3)
            loop = {"over": items, "as": "it", "steps": self._repeated(len(items), depth, subs)}
            if self.wide and pick.random() < 0.6:
                loop["maxConcurrency"] = pick.randint(2, 4)
            return {"type": "loop", "loop": loop}
        if kind == "parallel":
            block: dict[str, Any] = {"steps": self.steps(depth, subs, 2)}
            if not self.wide:
                block["maxConcurrency"] = 1
            elif pick.random() < 0.3:
                block["maxConcurrency"] = 2
            return {"type": "parallel", "parallel": block}
        if kind == "condition":
            side = {"expression": pick.choice(["true", "false"]), "then": self.steps(depth, subs)}
            if pick.random() < 0.6:
                side["else"] = self.steps(depth, subs)
            return {"type": "condition", "condition": side}
        if kind == "while":
            turns = pick.randint(1, 3)
            body = self._repeated(turns, depth, subs)
            return {"type": "while", "while": {"condition": "true", "maxIterations": turns, "steps": body}}
        return {"type": "flow", "flow": {"key": pick.choice(subs)}}

    def _repeated(self, times: int, depth: int, subs: list[str]) -> list[dict[str, Any]]:
        self.loops += self.turns
        before, self.turns = self.turns, self.turns * max(1, times)
        steps = self.steps(depth, subs)
        self.turns = before
        return steps

    def _body(self) -> Behaviour:
        output = self.random.choice([None, 1, "x" * self.random.randint(0, 9), {"k": [1, 2]}])
        error = "boom" if self.trouble and self.random.random() < 0.08 else None
        return Behaviour(duration_ms=self.random.choice(TIMES), output=output, error=error)

    def _handle(self, step: dict[str, Any]) -> None:
        pick = self.random
        if pick.random() < 0.2:
            step["onError"] = {"strategy": pick.choice(["continue", "continue", "retry", "fallback"])}
            if step["onError"]["strategy"] == "retry":
                step["onError"] |= {"retries": pick.randint(1, 2), "retryDelayMs": pick.choice([0, 5, 15])}
            if step["onError"]["strategy"] == "fallback":
                step["onError"]["fallbackStepId"] = step["id"]
        if pick.random() < 0.08:
            step["timeoutMs"] = pick.choice([7, 12, 30])
        if pick.random() < 0.06:
            step["if"] = "false"


def _ids(steps: list[dict[str, Any]]) -> set[str]:
    found: set[str] = set()
    for step in steps:
        found.add(step["id"])
        inside = step.get(step["type"]) or {}
        for name in ("steps", "then", "else"):
            found |= _ids(inside.get(name, []))
    return found


def run(made: Made, project: Path, kill_after: int | None = None) -> tuple[RunFiles, Truth, Trace]:
    """Run what was made, and assemble its record."""
    from one_trace.runner.terms import Options

    options = Options(stop_after=made.stop_after) if made.stop_after else None
    files, truth = run_for_truth(
        project, made.flows, "main", behaviour=made.behaviour, options=options, kill_after=kill_after
    )
    return files, truth, assemble(read(files)).trace


def differences(truth: Truth, trace: Trace) -> list[str]:
    """Where the trace is not what happened, but for what it says itself that the record leaves open."""
    if any((span.error or "").startswith(UNSAVED) for span in trace.spans):
        return []  # the state could not be saved any more: log and events contradict each other
    wrong = [] if trace.run.status == truth["status"] else [f"run {trace.run.status} for {truth['status']}"]
    by_path: dict[str, list[Span]] = {}
    for span in trace.spans:
        by_path.setdefault(span.path, []).append(span)
    ids = {span.span_id: span for span in trace.spans}
    true_paths = Counter(span["path"] for span in truth["spans"])
    unseen = {span["path"] for span in truth["spans"] if _unseen(span, truth)}
    swapped = _swapped(truth, trace)
    for path in sorted(true_paths.keys() | by_path.keys()):
        if true_paths[path] != len(by_path.get(path, ())) and path not in unseen and path not in swapped:
            wrong.append(f"{path}: {len(by_path.get(path, ()))} spans for {true_paths[path]}")
    if wrong:
        return wrong
    start = truth["spans"][0]["startMs"] - trace.spans[0].start_ms if truth["spans"] else 0
    for true in truth["spans"]:
        if (true["path"] in unseen or true["path"] in swapped) and not by_path.get(true["path"]):
            continue
        span = by_path[true["path"]].pop(0)
        wrong += [f"{span.path}: {what}" for what in _span_differences(true, span, start, truth, ids)]
    return wrong + _conserved(truth, trace, start)


def static(path: str) -> str:
    return _INSTANCE.sub("", path)


def _swapped(truth: Truth, trace: Trace) -> set[str]:
    """Paths under which the trace says itself that another of its kind may stand, where the kinds are as many
    as they were."""
    doubtful = {static(span.path) for span in trace.spans if "iteration" in span.derived}
    told = Counter(static(span.path) for span in trace.spans)
    happened = Counter(static(span["path"]) for span in truth["spans"])
    paths = {span.path for span in trace.spans} | {span["path"] for span in truth["spans"]}
    return {
        path for path in paths if static(path) in doubtful and told[static(path)] == happened[static(path)]
    }


def _unseen(true: TrueSpan, truth: Truth) -> bool:
    """A silent child in a later batch of a block that did not succeed: if it left no result, there is no word
    of it."""
    while not true["events"] and true["parent"] is not None:
        true = truth["spans"][true["parent"] - 1]
        if true["status"] != "success":
            return True
    return False


def _span_differences(
    true: TrueSpan, span: Span, start: float, truth: Truth, ids: dict[str, Span]
) -> list[str]:
    wrong = []
    parent = ids[span.parent_span_id].path if span.parent_span_id else None
    true_parent = truth["spans"][true["parent"] - 1]["path"] if true["parent"] is not None else None
    told = (parent, span.type, span.flow_key, span.iteration, span.branch, span.index, span.parent_attempt)
    happened = (
        true_parent,
        true["type"],
        true["flowKey"],
        true["iteration"],
        true["branch"],
        true["index"],
        true["parentAttempt"],
    )
    if told != happened:
        wrong.append(f"stands at {told} for {happened}")
    if "iteration" in span.derived:
        return wrong  # which of several alike it is, the record does not tell: see _conserved
    unknown = "status" in span.derived
    if not unknown and span.status not in (true["status"], *(true.get("statusAlso") or ())):
        wrong.append(f"status {span.status} for {true['status']}")
    if span.attempts != true["attempts"]:
        wrong.append(f"attempts {span.attempts} for {true['attempts']}")
    if true["events"] and span.start_ms + start != true["startMs"]:
        wrong.append(f"start {span.start_ms + start} for {true['startMs']}")
    if (
        not unknown
        and span.status not in ("skipped", "incomplete")
        and span.duration_ms != true["durationMs"]
    ):
        wrong.append(f"duration {span.duration_ms} for {true['durationMs']}")
    if not unknown and bool(span.late) != bool(true["late"]):
        wrong.append(f"late {span.late} for {true['late']}")
    if (
        span.type == "code"
        and not unknown
        and span.output_bytes is not None
        and true["status"] == "success"
        and span.output_bytes != true["outputBytes"]
    ):
        wrong.append(f"output {span.output_bytes} for {true['outputBytes']}")
    return wrong


def _conserved(truth: Truth, trace: Trace, start: float) -> list[str]:
    """Swaps change nothing in sum: of each step, the same starts and the same ends, whoever has them."""
    events = {(static(span["path"])) for span in truth["spans"] if span["events"]}
    told = Counter((static(s.path), s.start_ms + start) for s in trace.spans if static(s.path) in events)
    happened = Counter(
        (static(s["path"]), s["startMs"]) for s in truth["spans"] if static(s["path"]) in events
    )
    wrong = [f"starts {told - happened} for {happened - told}"] if told != happened else []
    ends = Counter((static(s.path), s.status) for s in trace.spans if static(s.path) in events)
    true_ends = Counter(
        (static(s["path"]), s["status"]) for s in truth["spans"] if static(s["path"]) in events
    )
    return wrong + ([f"ends {ends - true_ends} for {true_ends - ends}"] if ends != true_ends else [])
