"""Records as the host leaves them: flow file, log and state of a run of one loop, as long as wanted."""

from __future__ import annotations

import heapq
import json
import os
import shutil
import time
from pathlib import Path
from random import Random

from one_trace.model.times import to_iso

START_MS = 1_775_469_720_000
RUN = "0123456789ab"


def write_loop(project: Path, iterations: int) -> int:
    """The record of a sequential loop over one step in `project`; how many events its log has."""
    folder = project / ".one" / "flows"
    for name in ("looped", ".logs", ".runs"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    lines = _log(iterations)
    (folder / "looped" / "flow.json").write_text(json.dumps(_flow(iterations), indent=2))
    (folder / ".logs" / f"looped-{RUN}.log").write_text("".join(lines))
    (folder / ".runs" / f"looped-{RUN}.state.json").write_text(json.dumps(_state(iterations), indent=2))
    return len(lines)


def write_past_runs(project: Path, count: int) -> None:
    """The records of `count` runs of a flow of one step in `project`, written a month ago."""
    folder, recorded = project / ".one" / "flows", Path(__file__).parents[1] / "recordings" / "01-transform"
    shutil.copytree(recorded / "flows", folder, dirs_exist_ok=True)
    (state,) = (recorded / "runs").iterdir()
    (log,) = (recorded / "logs").iterdir()
    run = log.stem.rpartition("-")[2]
    month_ago = time.time() - 30 * 86_400
    for source, to in ((log, folder / ".logs"), (state, folder / ".runs")):
        to.mkdir(exist_ok=True)
        text = source.read_text()
        for number in range(count):
            path = to / source.name.replace(run, f"{number:012x}")
            path.write_text(text.replace(run, f"{number:012x}"))
            os.utime(path, (month_ago, month_ago))


def _flow(iterations: int) -> dict[str, object]:
    body = {"id": "body", "name": "Body", "type": "transform", "transform": {"expression": "$.loop.i"}}
    loop = {"over": "$.input.xs", "as": "x", "steps": [body], "maxIterations": iterations}
    return {
        "key": "looped",
        "name": "Looped",
        "version": "1",
        "inputs": {"xs": {"type": "array"}},
        "steps": [{"id": "big", "name": "Big", "type": "loop", "loop": loop}],
    }


def _log(iterations: int) -> list[str]:
    lines: list[str] = []

    def line(ms: int, msg: str, **fields: object) -> None:
        event = {"event": msg} if ":" in msg else {}
        lines.append(
            json.dumps({"ts": to_iso(START_MS + ms), "level": "info", "msg": msg, **event, **fields}) + "\n"
        )

    def start(ms: int, step: str, kind: str) -> None:
        about = {"stepId": step, "stepName": step.title(), "type": kind}
        line(ms, "step:start", **about, timestamp=to_iso(START_MS + ms))

    line(0, "Flow started", flowKey="looped", runId=RUN)
    line(1, "flow:start", flowKey="looped", totalSteps=1, timestamp=to_iso(START_MS + 1))
    start(1, "big", "loop")
    for i in range(iterations):
        start(3 * i + 2, "body", "transform")
        line(3 * i + 4, "step:complete", stepId="body", status="success", durationMs=2)
    end = 3 * iterations + 2
    line(end, "step:complete", stepId="big", status="success", durationMs=end - 1)
    line(end, "flow:complete", flowKey="looped", status="success", durationMs=end, stepsCompleted=2)
    line(end, "Flow completed", status="success")
    return lines


def _state(iterations: int) -> dict[str, object]:
    def body(i: int) -> dict[str, object]:
        return {"status": "success", "output": i, "response": i, "durationMs": 2}

    items = list(range(iterations))
    rounds = [{"body": body(i)} for i in items]
    big = {
        "status": "success",
        "output": items,
        "response": {"items": items, "iterations": rounds, "results": items, "count": iterations},
        "durationMs": 3 * iterations + 1,
    }
    return {
        "runId": RUN,
        "flowKey": "looped",
        "status": "completed",
        "startedAt": to_iso(START_MS),
        "inputs": {"xs": items},
        "completedSteps": [*["body"] * iterations, "big"],
        "context": {
            "input": {"xs": items},
            "env": {},
            "steps": {"body": body(iterations - 1), "big": big},
            "loop": {},
        },
        "completedAt": to_iso(START_MS + 3 * iterations + 2),
    }


def write_abreast(project: Path, iterations: int, concurrent: int) -> int:
    """The record of a loop over two uneven steps, `concurrent` iterations at a time; its number of events."""
    random = Random(1)
    lines: list[str] = []
    rounds: list[dict[str, object]] = [{} for _ in range(iterations)]

    def line(ms: int, msg: str, **fields: object) -> None:
        event = {"event": msg} if ":" in msg else {}
        head = {"ts": to_iso(START_MS + ms), "level": "info", "msg": msg}
        lines.append(json.dumps({**head, **event, **fields}) + "\n")

    def start(ms: int, step: str, kind: str = "code") -> None:
        about = {"stepId": step, "stepName": step.title(), "type": kind}
        line(ms, "step:start", **about, timestamp=to_iso(START_MS + ms))

    line(0, "Flow started", flowKey="looped", runId=RUN)
    line(0, "flow:start", flowKey="looped", totalSteps=1, timestamp=to_iso(START_MS))
    start(0, "big", "loop")
    now = 0
    for first in range(0, iterations, concurrent):
        running: list[tuple[int, int, int, int]] = []
        for i in range(first, min(iterations, first + concurrent)):
            start(now, "s0")
            heapq.heappush(running, (now + random.randint(3, 20), i, 0, now))
        while running:
            now, i, step, begun = heapq.heappop(running)
            line(now, "step:complete", stepId=f"s{step}", status="success", durationMs=now - begun)
            rounds[i][f"s{step}"] = _result(i, now - begun)
            if step == 0:
                start(now, "s1")
                heapq.heappush(running, (now + random.randint(3, 20), i, 1, now))
    line(now, "step:complete", stepId="big", status="success", durationMs=now)
    line(now, "flow:complete", flowKey="looped", status="success", durationMs=now)
    line(now, "Flow completed", status="success")
    steps = [{"id": f"s{n}", "name": f"S{n}", "type": "code", "code": {"source": ""}} for n in range(2)]
    loop = {"over": "$.input.xs", "as": "x", "steps": steps, "maxConcurrency": concurrent}
    flow = {**_flow(iterations), "steps": [{"id": "big", "name": "Big", "type": "loop", "loop": loop}]}
    big = {
        "status": "success",
        "output": [],
        "response": {"items": [], "iterations": rounds},
        "durationMs": now,
    }
    results = {**rounds[i], "big": big}  # the iteration that ended last has left its own
    state = _state(0) | {"context": {"input": {}, "env": {}, "steps": results, "loop": {}}}
    for name, text in {
        "looped/flow.json": json.dumps(flow),
        f".logs/looped-{RUN}.log": "".join(lines),
        f".runs/looped-{RUN}.state.json": json.dumps(state, indent=2),
    }.items():
        path = project / ".one" / "flows" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return len(lines)


def _result(i: int, ms: int) -> dict[str, object]:
    return {"status": "success", "output": {"n": i}, "response": {"n": i}, "durationMs": ms}


def write_nested(project: Path, depth: int, end: str = "success") -> int:
    """The record of `depth` flows, each but the last with one step that runs the next; its number of
    events. `end`: success, error (the last step fails, and all around it), or killed.
    """
    folder = project / ".one" / "flows"
    lines: list[str] = []

    def line(ms: int, msg: str, **fields: object) -> None:
        event = {"event": msg} if ":" in msg else {}
        head = {"ts": to_iso(START_MS + ms), "level": "info", "msg": msg}
        lines.append(json.dumps({**head, **event, **fields}) + "\n")

    line(0, "Flow started", flowKey="f0", runId=RUN)
    for i in range(depth):
        line(i, "flow:start", flowKey=f"f{i}", totalSteps=1, timestamp=to_iso(START_MS + i))
        last = i == depth - 1
        kind = "transform" if last else "flow"
        config: dict[str, object] = {"expression": "1"} if last else {"key": f"f{i + 1}", "inputs": {}}
        step = {"id": f"s{i}", "name": f"S{i}", "type": kind, kind: config}
        flow = {"key": f"f{i}", "name": f"F{i}", "version": "1", "inputs": {}, "steps": [step]}
        (folder / f"f{i}").mkdir(parents=True)
        (folder / f"f{i}" / "flow.json").write_text(json.dumps(flow))
        line(i, "step:start", stepId=f"s{i}", stepName=f"S{i}", type=kind, timestamp=to_iso(START_MS + i))
    for i in reversed(range(depth) if end != "killed" else ()):
        at = 2 * depth - i
        if end == "error":
            line(at, "step:error", stepId=f"s{i}", error="no such step", strategy="fail")
            line(
                at,
                "flow:error",
                flowKey=f"f{i}",
                status="failed",
                error="no such step",
                durationMs=at - i,
            )
        else:
            line(at, "step:complete", stepId=f"s{i}", status="success", durationMs=at - i)
            line(at, "flow:complete", flowKey=f"f{i}", status="success", durationMs=at - i)
    if end != "killed":
        line(2 * depth, "Flow completed" if end == "success" else "Flow failed")
    # What the host keeps of nested results is twice as long for each level: here it is the outermost alone.
    results = {"s0": {"status": "success", "output": {}, "response": {}, "durationMs": 2 * depth}}
    state = _state(0) | {"flowKey": "f0", "inputs": {}, "completedSteps": [f"s{i}" for i in range(depth)]}
    state["context"] = {"input": {}, "env": {}, "steps": results if end == "success" else {}, "loop": {}}
    state |= {"status": {"success": "completed", "error": "failed", "killed": "running"}[end]}
    for name, text in {
        f".logs/f0-{RUN}.log": "".join(lines),
        f".runs/f0-{RUN}.state.json": json.dumps(state, indent=2),
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return len(lines)
