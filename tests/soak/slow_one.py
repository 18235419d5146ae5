# The text of a host that leaves its record as One CLI does: line by line, its state anew after each step.
# STEPS and STEP_S stand above it. Which run it is, is noted in .soak/$SOAK_RUN ahead of the record.
import json
import os
import select
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

run, key = os.urandom(6).hex(), "k"
flows = Path(".one/flows")
log, state_path = flows / ".logs" / f"{key}-{run}.log", flows / ".runs" / f"{key}-{run}.state.json"
mark = os.environ.get("SOAK_RUN")
if mark:
    Path(".soak", mark).write_text(run)


def now():
    at = datetime.fromtimestamp(time.time(), UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def say(msg, **fields):
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"ts": now(), "level": "info", "msg": msg, **fields}) + "\n")


def event(name, **fields):
    say(name, event=name, **fields)
    print(json.dumps({"event": name, **fields}), flush=True)


def save():
    state_path.write_text(json.dumps(state, indent=2))


for folder in (log.parent, state_path.parent):
    folder.mkdir(parents=True, exist_ok=True)
state = {"runId": run, "flowKey": key, "status": "running", "startedAt": now(), "inputs": {}}
state["completedSteps"] = []
state["context"] = {"input": {}, "env": dict(os.environ), "steps": {}}
say("Flow started", flowKey=key, runId=run)
save()
first = time.time()
event("flow:start", flowKey=key, totalSteps=len(STEPS), timestamp=now())  # noqa: F821
for step in STEPS:  # noqa: F821
    event("step:start", stepId=step, stepName=step.upper(), type="code", timestamp=now())
    begun = time.time()
    # Not `sleep`: libfaketime breaks it where the clock is set.
    select.select([], [], [], STEP_S)  # noqa: F821
    lasted = int(time.time() * 1000) - int(begun * 1000)
    state["context"]["steps"][step] = {"status": "success", "output": "x" * 2000, "durationMs": lasted}
    state["completedSteps"].append(step)
    event("step:complete", stepId=step, status="success", durationMs=lasted)
    save()
lasted = int((time.time() - first) * 1000)
event("flow:complete", flowKey=key, status="success", durationMs=lasted)
state["status"], state["completedAt"] = "completed", now()
save()
say("Flow completed", status="success")
sys.exit(0)
