"""Recorded runs, laid out as the host leaves them, and records made line by line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from one_trace.assemble import assemble
from one_trace.model.trace import Assembly
from one_trace.record.files import RunFiles, discover
from one_trace.record.reading import read

RECORDINGS = Path(__file__).resolve().parent.parent / "recordings"
RANDOM = RECORDINGS.with_name("random_recordings")
"""Real runs of random flows, of which no reading was found once, or not in time."""
T0 = 1_795_361_236_788


def lay_out(case: str, project: Path, recordings: Path = RECORDINGS) -> list[RunFiles]:
    """The case's project folder under `project`, files unpacked; its runs."""
    places = {"files": ".", "flows": ".one/flows", "logs": ".one/flows/.logs", "runs": ".one/flows/.runs"}
    for part, place in places.items():
        source = recordings / case / part
        for path in sorted(source.rglob("*")) if source.exists() else ():
            if not path.is_file():
                continue
            target = project / place / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".gz":
                target.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
            else:
                target.write_bytes(path.read_bytes())
    return discover([project])[0]


def cases() -> list[str]:
    return sorted(path.parent.name for path in RECORDINGS.glob("*/truth.json*"))


class MadeRun:
    """A record made by hand: a flow, log lines, a state."""

    def __init__(self, project: Path, key: str = "made", run_id: str = "0123456789ab") -> None:
        self.project, self.key, self.run_id = project, key, run_id
        self.flows = project / ".one" / "flows"
        self.lines: list[dict] = []
        self.at = T0
        self.log("Flow started", flowKey=key, runId=run_id)
        self.event("flow:start", flowKey=key, totalSteps=1, timestamp=self.time)
        self.results: dict[str, object] = {}
        self.status = "completed"

    @property
    def time(self) -> str:
        from one_trace.model.times import to_iso

        return to_iso(self.at)

    def log(self, msg: str, **fields: object) -> MadeRun:
        self.lines.append({"ts": self.time, "level": "info", "msg": msg, **fields})
        return self

    def event(self, name: str, **fields: object) -> MadeRun:
        return self.log(name, event=name, **fields)

    def start(self, step: str, kind: str = "code") -> MadeRun:
        return self.event("step:start", stepId=step, stepName=step.upper(), type=kind, timestamp=self.time)

    def end(self, step: str, ms: float | None = 0, status: str = "success", **fields: object) -> MadeRun:
        if ms is not None:
            fields["durationMs"] = ms
        return self.event("step:complete", stepId=step, status=status, **fields)

    def after(self, ms: int) -> MadeRun:
        self.at += ms
        return self

    def flow(self, steps: list[dict], key: str | None = None, **more: object) -> MadeRun:
        folder = self.flows / (key or self.key)
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"key": key or self.key, "name": "Made", "inputs": {}, "steps": steps, **more})
        (folder / "flow.json").write_text(text)
        return self

    def state(self, **more: object) -> dict:
        context = {"input": {}, "env": {"HOME": "/home/dev"}, "steps": self.results, "loop": {}}
        return {
            "runId": self.run_id,
            "flowKey": self.key,
            "status": self.status,
            "startedAt": "2026-11-22T15:27:16.788Z",
            "inputs": {},
            "completedSteps": [],
            "context": context,
            **more,
        }

    def write(self, *, log: bytes | None = None, state: bytes | None = None) -> RunFiles:
        for name in (".logs", ".runs"):
            (self.flows / name).mkdir(parents=True, exist_ok=True)
        text = "".join(
            json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in self.lines
        )
        if state is None:
            state = json.dumps(self.state(), indent=2, ensure_ascii=False).encode()
        (self.flows / ".logs" / f"{self.key}-{self.run_id}.log").write_bytes(
            text.encode() if log is None else log
        )
        (self.flows / ".runs" / f"{self.key}-{self.run_id}.state.json").write_bytes(state)
        (run,) = discover([self.project])[0]
        return run

    def assembled(self, **files: bytes) -> Assembly:
        return assemble(read(self.write(**files)))


def code(step: str, **more: object) -> dict:
    return {"id": step, "name": step.upper(), "type": "code", "code": {"source": "return 1"}, **more}
