"""Words planted wherever a user's values can be: none of them is sent or stored."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from machine import RECORDINGS, Machine
from traces_server import KEY, FakeTracesServer

CASES = [
    "04-code-module",
    "06-loop-seq",
    "10-while",
    "11-parallel-simple",
    "14-subflow",
    "21-bash-envelope",
    "22-skips",
    "23-timeout-continue",
    "27-retry-third",
    "31b-default-retry",
    "40-mock-action",
    "53-action-ok",
    "55-parallel-fail-flow",
    "97b-realistic-fails",
]
WORD = "canary"
ENVELOPE = {"session_id", "sessionId", "uuid", "errorCode", "status", "strategy"}


def planted(value: Any, where: str) -> Any:
    """`value` with a canary in every text of it; the fields of an LLM envelope stay as they are."""
    if isinstance(value, dict):
        return {
            # A block's response holds the error texts of its branches.
            key: item if key in ENVELOPE else planted(item, "error" if key == "error" else where)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [planted(item, where) for item in value]
    if isinstance(value, str):
        return llm_answer(value) if value.startswith("{") else f"{WORD}-{where} {value}"
    return value


def llm_answer(printed: str) -> str:
    """An LLM envelope with a canary in the answer."""
    try:
        envelope = json.loads(printed)
    except ValueError:
        return printed
    return json.dumps(envelope | {"result": f"{WORD}-llm"} if "result" in envelope else envelope)


def plant_state(path: Path) -> None:
    state = json.loads(path.read_bytes())
    state["inputs"] = planted(state.get("inputs", {}), "input")
    context = state["context"]
    context["input"] = planted(context.get("input", {}), "input")
    context["steps"] = {
        step: {
            key: item if key in ENVELOPE | {"durationMs", "retries"} else planted(item, key)
            for key, item in result.items()
        }
        for step, result in context["steps"].items()
    }
    path.write_text(json.dumps(state))


def plant_log(path: Path) -> None:
    lines = [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
    for line in lines:
        for key in ("error", "message", "reason"):
            if key in line:
                line[key] = f"{WORD}-error {line[key]}"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def plant_flow(path: Path) -> None:
    def walk(value: Any, key: str) -> Any:
        if isinstance(value, dict):
            return {name: walk(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [walk(item, key) for item in value]
        if isinstance(value, str) and key in ("command", "source", "description", "content", "prompt"):
            return f"{value} # {WORD}-{key}"
        return value

    path.write_text(json.dumps(walk(json.loads(path.read_bytes()), "")))


def plant(case: str, into: Path) -> Path:
    """A copy of a recorded case with canaries in every value of the user's."""
    shutil.copytree(RECORDINGS / case, into)
    for path in (into / "runs").iterdir():
        plant_state(path)
    for path in (into / "logs").iterdir():
        plant_log(path)
    for path in (into / "flows").rglob("*.json"):
        plant_flow(path)
    return into


@pytest.mark.parametrize("case", CASES)
def test_no_value_is_sent_or_stored(
    machine: Machine, traces_server: FakeTracesServer, tmp_path: Path, case: str
) -> None:
    temp = tmp_path / "temp"
    temp.mkdir()
    project = tmp_path / f"{WORD}-path" / "project"
    project.mkdir(parents=True)
    machine.env |= {
        "TRACES_API_KEY": KEY,
        "ONE_TRACES_ENDPOINT": traces_server.url,
        "TMPDIR": str(temp),
        "SOME_SECRET": f"{WORD}-environment",
    }
    machine.player(str(plant(case, tmp_path / "case")))
    command = ["--agent", "flow", "execute", "x", "-i", f"a={WORD}-argument", "--trace"]
    done = machine.one(*command, cwd=project)
    assert [upload["state"] for upload in done.saved["uploads"]] == ["sent"], done.err
    assert any(WORD.encode() in path.read_bytes() for path in (project / ".one/flows/.runs").iterdir())
    assert WORD.encode() not in traces_server.everything()
    assert [path for path in temp.rglob("*") if path.is_file()] == []
    kept = b"".join(path.read_bytes() for path in machine.data.iterdir())
    found = {where.decode() for where in re.findall(WORD.encode() + b"-?([a-z]*)", kept)}
    # Error text may be stored, and so is the folder that a run ran in (`cwd`).
    assert found <= {"error", "path"}


def test_error_text_is_sent_redacted_with_errors_full(
    machine: Machine, traces_server: FakeTracesServer, tmp_path: Path
) -> None:
    case = plant("55-parallel-fail-flow", tmp_path / "case")
    for path in (case / "logs").iterdir():
        path.write_text(path.read_text().replace(f"{WORD}-error", f"{WORD}-error token={WORD}-secret"))
    machine.env |= {
        "TRACES_API_KEY": KEY,
        "ONE_TRACES_ENDPOINT": traces_server.url,
        "ONE_TRACES_ERRORS": "full",
    }
    machine.player(str(case))
    done = machine.one("--agent", "flow", "execute", "x", "--trace")
    assert [upload["state"] for upload in done.saved["uploads"]] == ["sent"]
    assert f"{WORD}-error".encode() in traces_server.everything()
    assert f"{WORD}-secret".encode() not in traces_server.everything()
    assert b"[REDACTED]" in traces_server.everything()


@pytest.mark.parametrize("case", ["22-skips", "48-sigkill"])
def test_the_events_export_contains_every_line_that_is_sent(
    machine: Machine, traces_server: FakeTracesServer, case: str
) -> None:
    """A user who looks at the export before switching delivery on sees all that will be sent."""
    machine.env |= {"TRACES_API_KEY": KEY, "ONE_TRACES_ENDPOINT": traces_server.url}
    machine.player(case)
    machine.one("--agent", "flow", "execute", "x", "--trace")
    exported = machine.one("trace", "export", "last", "--format", "events").out.decode().split("\n")
    (trace,) = traces_server.messages
    results = [m["parts"][0] for m in traces_server.in_order(trace) if m["parts"][0]["type"] == "tool_result"]
    assert results
    assert {part["content"]["output"] for part in results} <= set(exported)


def test_the_events_export_contains_the_error_text_that_is_sent(
    machine: Machine, traces_server: FakeTracesServer
) -> None:
    machine.env |= {
        "TRACES_API_KEY": KEY,
        "ONE_TRACES_ENDPOINT": traces_server.url,
        "ONE_TRACES_ERRORS": "full",
    }
    machine.player("55-parallel-fail-flow")
    machine.one("--agent", "flow", "execute", "x", "--trace")
    exported = machine.one("trace", "export", "last", "--format", "events").out.decode().split("\n")
    (trace,) = traces_server.messages
    results = [m["parts"][0] for m in traces_server.in_order(trace) if m["parts"][0]["type"] == "tool_result"]
    assert any("error" in json.loads(part["content"]["output"]) for part in results)
    assert {part["content"]["output"] for part in results} <= set(exported)


def test_the_events_export_names_what_else_is_sent(machine: Machine) -> None:
    machine.player("22-skips")
    machine.one("--agent", "flow", "execute", "x", "--trace", env={"CODEX_THREAD_ID": "t-1"})
    ours, theirs = os.openpty()
    process = machine.start("trace", "export", "last", "--format", "events", stderr=theirs)
    printed = process.communicate(timeout=120)[0]
    reported = os.read(ours, 4096).decode()
    os.close(ours)
    os.close(theirs)
    assert all(json.loads(line) for line in printed.split(b"\n") if line)
    assert "project project, session t-1, inputs 1, visibility private" in reported
