"""A host that prints a line of SIZE bytes and leaves a state as large; never more than a block of it in
memory.
"""

import json
import os
import sys
from pathlib import Path

SIZE = int(os.environ.get("LOUD_BYTES", "0"))
RUN = "00000000feed"
TS = "2026-04-06T10:02:00.000Z"
BLOCK = "x" * 50_000
STEP = {"stepId": "s", "stepName": "S", "type": "transform", "timestamp": TS}


def log_line(msg: str, **fields: object) -> str:
    event = {"event": msg} if ":" in msg else {}
    return json.dumps({"ts": TS, "level": "info", "msg": msg, **event, **fields}) + "\n"


def write_blocks(to, before: str, after: str) -> None:
    to.write(before)
    for _ in range(SIZE // len(BLOCK)):
        to.write(BLOCK)
    to.write(after)


folder = Path(".one/flows")
for name in (".logs", ".runs"):
    (folder / name).mkdir(parents=True, exist_ok=True)
(folder / ".logs" / f"loud-{RUN}.log").write_text(
    log_line("Flow started", flowKey="loud", runId=RUN)
    + log_line("flow:start", flowKey="loud", totalSteps=1, timestamp=TS)
    + log_line("step:start", **STEP)
    + log_line("step:complete", stepId="s", status="success", durationMs=0)
    + log_line("flow:complete", flowKey="loud", status="success", durationMs=1)
    + log_line("Flow completed", status="success")
)
head = {
    "runId": RUN,
    "flowKey": "loud",
    "status": "completed",
    "startedAt": TS,
    "inputs": {},
    "completedSteps": ["s"],
}
env = json.dumps({"ONE_TRACE_TOKEN": os.environ.get("ONE_TRACE_TOKEN", "")})
context = f'"context": {{"input": {{}}, "env": {env}, "steps": {{"s": {{"status": "success", "output": "'
with (folder / ".runs" / f"loud-{RUN}.state.json").open("w") as state:
    write_blocks(
        state, f"{json.dumps(head)[:-1]}, {context}", f'"}}}}, "loop": {{}}}}, "completedAt": "{TS}"}}'
    )
write_blocks(
    sys.stdout,
    f'{{"event":"workflow:result","runId":"{RUN}","status":"success","steps":{{"s":{{"output":"',
    '"}}}\n',
)
