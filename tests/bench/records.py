"""Records as the host leaves them: flow file, log and state of a run of one loop, as long as wanted."""

from __future__ import annotations

import json
from pathlib import Path

from one_trace.times import to_iso

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
