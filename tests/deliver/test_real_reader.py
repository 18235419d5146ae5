"""The service's own client reads back what we upload: every recording, message for message, in order.

The client is the npm package of `traces`; if npm cannot install it, the test is skipped.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from machine import RECORDINGS, Machine
from traces_server import KEY, FakeTracesServer

PACKAGE = "@traces-sh/traces-linux-x64@0.6.31"
KINDS = {
    ("user", "text"): "user_message",
    ("assistant", "text"): "agent_text",
    ("assistant", "tool_call"): "tool_call",
    ("assistant", "tool_result"): "tool_result",
    ("system", "system_event"): "system_event",
}


@pytest.fixture
def reader(tmp_path: Path) -> str:
    """Path of the client's program: `TRACES_CLI` in the environment, or what npm installs."""
    if os.environ.get("TRACES_CLI"):
        return os.environ["TRACES_CLI"]
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm to install the traces client with (or name it in TRACES_CLI)")
    install = [npm, "install", "--no-save", "--no-audit", "--no-fund", "--prefix", str(tmp_path), PACKAGE]
    try:
        done = subprocess.run(install, capture_output=True, text=True, timeout=240, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm has not brought {PACKAGE} in four minutes")
    program = tmp_path / "node_modules" / PACKAGE.rpartition("@")[0] / "bin" / "traces"
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
        "system_event": lambda: (content["subtype"], {k: v for k, v in content.items() if k != "subtype"}),
    }[kind]()
    return kind, message["externalId"], message["timestamp"], details


def as_shown(event: dict[str, Any]) -> tuple[object, ...]:
    details = {
        "user_message": lambda: event["content"],
        "agent_text": lambda: event["content"],
        "tool_call": lambda: (event["callId"], event["toolName"], event["args"]),
        "tool_result": lambda: (event["callId"], event["toolName"], event["output"], event["status"]),
        "system_event": lambda: (event["subtype"], event["data"]),
    }[event["type"]]()
    return event["type"], event["id"], event["timestamp"], details


def test_the_services_client_reads_back_every_recording(
    machine: Machine, traces_server: FakeTracesServer, reader: str, tmp_path: Path
) -> None:
    lay_out_recordings(machine.project)
    machine.env |= {"TRACES_API_KEY": KEY, "ONE_TRACES_ENDPOINT": traces_server.url}
    imported = machine.one("--agent", "trace", "import").document
    synced = machine.one("--agent", "trace", "sync", "--since", "9999d")
    assert (synced.code, synced.document["sent"]) == (0, imported["imported"])

    def read(trace: str) -> list[dict[str, Any]]:
        home = tmp_path / "readers" / trace
        env = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "TRACES_API_KEY": KEY,
            "TRACES_DISABLE_AUTOUPDATE": "1",
            **dict.fromkeys(("TRACES_HTTP_URL", "TRACES_API_URL", "TRACES_URL"), traces_server.url),
        }
        home.mkdir(parents=True)
        run = {"env": env, "capture_output": True, "timeout": 120, "check": True, "cwd": home}
        subprocess.run([reader, "sync", trace], **run)
        shown = json.loads(subprocess.run([reader, "show", trace, "--json"], **run).stdout)
        assert shown["data"]["trace"]["agentId"] == "one-cli"
        return shown["data"]["events"]

    with ThreadPoolExecutor(2) as pool:
        for trace, events in zip(traces_server.traces, pool.map(read, traces_server.traces), strict=True):
            assert list(map(as_shown, events)) == list(map(as_read, traces_server.in_order(trace)))
