"""A project to run flows in, and functions that build flows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CONTINUE = {"strategy": "continue"}


def step(kind: str, step_id: str, config: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    key = {"file-read": "fileRead", "file-write": "fileWrite"}.get(kind, kind)
    return {"id": step_id, "name": step_id.upper(), "type": kind, key: config or {}, **more}


def transform(step_id: str, expression: str = "1", **more: Any) -> dict[str, Any]:
    return step("transform", step_id, {"expression": expression}, **more)


def code(step_id: str, source: str = "return 1", **more: Any) -> dict[str, Any]:
    return step("code", step_id, {"source": source}, **more)


def wait(step_id: str, ms: int, **more: Any) -> dict[str, Any]:
    return code(step_id, f"await new Promise((done) => setTimeout(done, {ms})); return {ms}", **more)


def bash(step_id: str, command: str, **more: Any) -> dict[str, Any]:
    return step("bash", step_id, {"command": command}, **more)


def loop(step_id: str, *steps: dict[str, Any], over: str = "$.input.xs", at_once: int = 1, **more: Any):
    config = {"over": over, "as": "x", "steps": list(steps), "maxConcurrency": at_once}
    return step("loop", step_id, config, **more)


def parallel(step_id: str, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return step("parallel", step_id, {"steps": list(steps)}, **more)


def subflow(step_id: str, key: str, inputs: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return step("flow", step_id, {"key": key, **({"inputs": inputs} if inputs else {})}, **more)


def flow(key: str, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"key": key, "name": key, "inputs": {}, "steps": list(steps), **more}


XS = {"xs": {"type": "array", "default": [1, 2, 3]}}


@dataclass
class Ran:
    """The output and exit code of an invocation."""

    code: int
    stdout: bytes
    stderr: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stdout.split(b"\n") if line.strip()]

    @property
    def result(self) -> dict[str, Any]:
        return next(line for line in reversed(self.lines) if line.get("event") == "workflow:result")

    @property
    def steps(self) -> dict[str, Any]:
        return self.result["steps"]

    @property
    def steps_logged(self) -> list[str]:
        """`+id` for a start, `-id` for an end, `!id` for an error, in order."""
        marks = {"step:start": "+", "step:complete": "-", "step:error": "!"}
        return [marks[e["event"]] + e["stepId"] for e in self.lines if e.get("event") in marks]

    def errors(self) -> dict[str, str]:
        return {key: result["error"] for key, result in self.steps.items() if "error" in result}


class Project:
    """A folder with flows, and the built-in runner in it."""

    def __init__(self, root: Path) -> None:
        self.root = root / "project"
        self.root.mkdir()
        home = root / "home"
        home.mkdir()
        self.env = {
            name: value for name, value in os.environ.items() if not name.startswith(("ONE_", "XDG_"))
        }
        self.env |= {
            "HOME": str(home),
            "PYTHONPATH": str(ROOT),
            "ONE_TRACE_HOST": "built-in",
            "LANG": "C.UTF-8",
        }

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def flows(self, *flows: dict[str, Any]) -> None:
        for one in flows:
            self.write(f".one/flows/{one['key']}/flow.json", json.dumps(one))

    def start(self, *argv: str, **popen: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "one_trace", *argv]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=self.root, env=self.env, **(pipes | popen))

    def one(self, *argv: str) -> Ran:
        process = self.start(*argv)
        try:
            stdout, stderr = process.communicate(timeout=120)
        finally:
            process.kill()
        return Ran(process.returncode, stdout, stderr.decode("utf-8", "replace"))

    def run(self, *steps: dict[str, Any], args: tuple[str, ...] = (), **more: Any) -> Ran:
        """Run a flow `main` of these steps, as an agent."""
        self.flows(flow("main", *steps, **more))
        return self.one("--agent", "flow", "execute", "main", *args)

    def state(self) -> dict[str, Any]:
        (path,) = (self.root / ".one/flows/.runs").glob("*.state.json")
        return json.loads(path.read_bytes())

    def log(self) -> list[dict[str, Any]]:
        (path,) = (self.root / ".one/flows/.logs").glob("*.log")
        return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def read_until(process: subprocess.Popen[bytes], word: bytes) -> bytes:
    """Read standard output up to the line that holds `word`."""
    assert process.stdout is not None
    seen = b""
    for line in process.stdout:
        seen += line
        if word in line:
            return seen
    raise AssertionError(f"{word!r} was never printed: {seen!r}")


def workers_of(process: subprocess.Popen[bytes]) -> list[int]:
    """The process ids of a running runner's Node."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(pid) for pid in children]


def gone(pid: int, within: float = 120.0) -> bool:
    """Whether a process ends in time; one that waits to be reaped has ended."""
    limit = time.monotonic() + within
    while time.monotonic() < limit:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
