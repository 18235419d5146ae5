"""The service's own client reads back what we upload: every recording, message for message, in order.

The client is the npm package of `traces`; if npm cannot install it, the test is skipped.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from machine import RECORDINGS, Machine
from made import assembly, span
from traces_server import KEY, FakeTracesServer

from one_trace.store import Store

PACKAGE = "@traces-sh/traces-linux-x64@0.6.31"
KINDS = {
    ("user", "text"): "user_message",
    ("assistant", "text"): "agent_text",
    ("assistant", "tool_call"): "tool_call",
    ("assistant", "tool_result"): "tool_result",
}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Path of the client's program: `TRACES_CLI` in the environment, or what npm installs."""
    if os.environ.get("TRACES_CLI"):
        return os.environ["TRACES_CLI"]
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm to install the traces client with (or name it in TRACES_CLI)")
    folder = tmp_path_factory.mktemp("reader")
    install = [npm, "install", "--no-save", "--no-audit", "--no-fund", "--prefix", str(folder), PACKAGE]
    try:
        done = subprocess.run(install, capture_output=True, text=True, timeout=240, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm has not brought {PACKAGE} in four minutes")
    program = folder / "node_modules" / PACKAGE.rpartition("@")[0] / "bin" / "traces"
    if done.returncode or not program.exists():
        pytest.skip(f"npm cannot install {PACKAGE}: {done.stderr.strip()[-200:]}")
    return str(program)


def lay_out_recordings(project: Path) -> None:
    """Every recording as if it had run in `project`; outside of CI only some, with a condensed one."""
    flows = project / ".one" / "flows"
    cases = sorted(RECORDINGS.iterdir())
    for case in cases if os.environ.get("CI") else [*cases[::8], RECORDINGS / "39-loop-2000"]:
        for folder, to in (("flows", flows), ("logs", flows / ".logs"), ("runs", flows / ".runs")):
            if (case / folder).is_dir():
                shutil.copytree(case / folder, to, dirs_exist_ok=True)
    for packed in flows.rglob("*.gz"):
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()


def as_read(message: dict[str, Any]) -> tuple[object, ...]:
    """A message as the client prints it: kind, id, time and content."""
    (part,) = message["parts"]
    content = part["content"]
    kind = KINDS[message["role"], part["type"]]
    details = {
        "user_message": lambda: content["text"],
        "agent_text": lambda: content["text"],
        "tool_call": lambda: (content["callId"], content["toolName"], content["args"]),
        "tool_result": lambda: (content["callId"], content["toolName"], content["output"], content["status"]),
    }[kind]()
    return kind, message["externalId"], message["timestamp"], details


def as_shown(event: dict[str, Any]) -> tuple[object, ...]:
    details = {
        "user_message": lambda: event["content"],
        "agent_text": lambda: event["content"],
        "tool_call": lambda: (event["callId"], event["toolName"], event["args"]),
        "tool_result": lambda: (event["callId"], event["toolName"], event["output"], event["status"]),
    }[event["type"]]()
    return event["type"], event["id"], event["timestamp"], details


class Client:
    """The service's client with a home of its own."""

    def __init__(self, program: str, home: Path, traces_server: FakeTracesServer) -> None:
        home.mkdir(parents=True)
        self._program, self._home = program, home
        self._env = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "TRACES_API_KEY": KEY,
            "TRACES_DISABLE_AUTOUPDATE": "1",
            **dict.fromkeys(("TRACES_HTTP_URL", "TRACES_API_URL", "TRACES_URL"), traces_server.url),
        }

    def pull(self, trace: str) -> None:
        """Keep a trace of the service here."""
        self._run("sync", trace)

    def read(self, trace: str) -> list[dict[str, Any]]:
        """The events that are shown of a trace; one that is not here is read from the service."""
        shown = self._run("show", trace, "--json", "--remote")
        assert shown["data"]["trace"]["agentId"] == "one-cli"
        return shown["data"]["events"]

    def search(self, words: str) -> list[str]:
        """The traces that a search without options finds."""
        return [found["id"] for found in self._run("search", words, "--json")["data"]["traces"]]

    def _run(self, *argv: str) -> Any:
        # Into a file: the client ends before a full pipe has taken all.
        with tempfile.TemporaryFile(dir=self._home) as out:
            run = {"env": self._env, "stdout": out, "timeout": 120, "check": True, "cwd": self._home}
            subprocess.run([self._program, *argv], **run)
            out.seek(0)
            return json.load(out) if "--json" in argv else None


def test_the_services_client_reads_back_every_recording(
    machine: Machine, traces_server: FakeTracesServer, reader: str, tmp_path: Path
) -> None:
    lay_out_recordings(machine.project)
    machine.env |= {"TRACES_API_KEY": KEY, "ONE_TRACES_ENDPOINT": traces_server.url}
    imported = machine.one("--agent", "trace", "import").document
    synced = machine.one("--agent", "trace", "sync", "--since", "9999d")
    assert (synced.code, synced.document["sent"]) == (0, imported["imported"])

    client = Client(reader, tmp_path / "reader", traces_server)
    for trace in traces_server.traces:
        assert list(map(as_shown, client.read(trace))) == list(map(as_read, traces_server.in_order(trace)))


STEPS = 300


def name_of(number: int) -> str:
    """Names as people give them; the shortest are shorter than what the client's index can look up."""
    return f"s{number}" if number < 10 else f"Étape {number:03d}: tidy the data_{number * 7919 % 1000:03d}"


@pytest.mark.parametrize("every", [50, pytest.param(1, marks=pytest.mark.soak)])
def test_each_step_is_found_by_the_default_search(
    machine: Machine, traces_server: FakeTracesServer, reader: str, tmp_path: Path, every: int
) -> None:
    """A search takes half a second: each name is searched for in the soak alone. A retried step says so in a
    text."""
    spans = [
        span(f"step-{number}", name=name_of(number), start_ms=number * 10.0, type="code")
        for number in range(STEPS)
    ]
    for retried in spans[::3]:
        retried.attempts, retried.retries = 3, 2
    with Store(machine.data / "traces.db") as store:
        store.save(assembly(spans=spans), sinks=["traces.com"])
    machine.env |= {"TRACES_API_KEY": KEY, "ONE_TRACES_ENDPOINT": traces_server.url}
    assert machine.one("--agent", "trace", "sync").document["sent"] == 1
    (trace,) = traces_server.traces
    client = Client(reader, tmp_path / "reader", traces_server)
    client.pull(trace)
    events = client.read(trace)
    assert list(map(as_shown, events)) == list(map(as_read, traces_server.in_order(trace)))
    assert sum(event.get("content", "").startswith("Retried: ") for event in events) == STEPS // 3
    wanted = [*map(name_of, range(0, STEPS, every)), "step-299", "Retried: step-297", "3 attempts"]
    with ThreadPoolExecutor(2) as pool:
        for words, found in zip(wanted, pool.map(client.search, wanted), strict=True):
            assert found == [trace], words
