"""Text of others never reaches a terminal raw: in errors, hints, notes, tables, titles and JSON alike."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess

import pytest

EVIL = "x\x1b]0;P\x07\x1b[2J\x1b[31m\x9b2J\u202e\x7f\u2028y"
"""Sets a title, clears the screen, colours, turns the direction; in eight bits, too."""
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def harmless(done):
    for text in (done.out.decode(), done.err.decode()):
        assert not OBEYED.search(text), ascii(text)
    return done


@pytest.fixture
def evil(machine):
    """A project whose flow, steps and inputs have hostile names, with Node for the built-in runner."""
    machine.with_node()
    steps = [
        {"id": EVIL, "name": EVIL, "type": "transform", "transform": {"expression": json.dumps(EVIL)}},
        {
            "id": "fails",
            "name": EVIL,
            "type": "code",
            "code": {"source": f"throw new Error({json.dumps(EVIL)})"},
        },
    ]
    flow = {"key": "evil", "name": EVIL, "description": EVIL, "version": "1", "inputs": {}, "steps": steps}
    machine.write(machine.project / ".one/flows/evil/flow.json", json.dumps(flow))
    bad = flow | {"key": EVIL, "steps": [{"id": EVIL, "name": EVIL, "type": EVIL}], "inputs": {EVIL: 1}}
    machine.write(machine.project / ".one/flows/bad/flow.json", json.dumps(bad))
    return machine


BUILT_IN = (
    ("flow", "list"),
    ("flow", "validate", "bad"),
    ("flow", "validate", EVIL),
    ("flow", "execute", "bad"),
    ("flow", "execute", "evil"),
    ("flow", "execute", "evil", "-v", "--trace"),
    ("flow", "execute", "evil", "--dry-run"),
    ("flow", "execute", "evil", "--stop-after", EVIL),
    ("flow", "execute", "evil", "--stop-after", f"{EVIL}2"),
    ("flow", "execute", "evil", "-i", EVIL),
    ("flow", "execute", "evil", f"--{EVIL}"),
    ("flow", EVIL),
    ("flow", "resume", EVIL),
    (EVIL,),
)


@pytest.mark.parametrize("argv", BUILT_IN, ids=lambda argv: ascii(" ".join(argv)))
def test_what_people_see_of_the_built_in_runner(evil, argv):
    assert harmless(evil.one(*argv)).code in (0, 1, 127)


@pytest.mark.parametrize("argv", BUILT_IN[:-1], ids=lambda argv: ascii(" ".join(argv)))
def test_what_agents_read_of_the_built_in_runner(evil, argv):
    for line in harmless(evil.one("--agent", *argv)).out.splitlines():
        json.loads(line)


@pytest.mark.parametrize("argv", BUILT_IN[:8], ids=lambda argv: ascii(" ".join(argv)))
def test_the_same_on_a_terminal(evil, argv):
    shown = on_terminal(evil, *argv)
    assert not re.search(r"\x1b\]|\x9b|\u202e|\x1b\[31m\x9b|\x07", shown), ascii(shown)
    assert "\x1b[2J" not in shown


def on_terminal(machine, *argv):
    """What our program writes to a terminal that is its stdout and stderr."""
    ours, theirs = pty.openpty()
    process = machine.start(*argv, stdout=theirs, stderr=theirs, env={"TERM": "xterm", "COLUMNS": "100"})
    os.close(theirs)
    parts = []
    while True:
        try:
            parts.append(os.read(ours, 65536))
        except OSError:
            break
    os.close(ours)
    process.wait(timeout=120)
    return b"".join(parts).decode()


VERBS = (
    ("show",),
    ("show", EVIL),
    ("show", "last", "--step", EVIL),
    ("show", "last", "--step", "nope"),
    ("show", "--events"),
    ("show", "--slow", "3"),
    ("list",),
    ("list", "--since", EVIL),
    ("list", f"--{EVIL}"),
    ("stats",),
    ("stats", EVIL),
    ("stats", f"{EVIL}z"),
    ("stats", "--format", "csv"),
    ("insights", "evil"),
    ("insights", f"{EVIL}z"),
    ("cost",),
    ("diff", EVIL, EVIL),
    ("diff", f"{EVIL}@best", "last"),
    ("diff", "last", "--baseline", "p50"),
    ("export", "last", "--format", "json"),
    ("export", "last", "--format", "events"),
    ("export", "last", "--format", "otlp"),
    ("export", "last", "--format", "perfetto"),
    ("import", EVIL.replace("/", "")),
    ("share", EVIL),
    ("open", EVIL),
    ("doctor", "--offline"),
    ("setup", EVIL),
    (EVIL,),
)


@pytest.fixture
def stored(evil):
    assert evil.one("--agent", "flow", "execute", "evil", "--trace").saved["spans"] == 2
    return evil


def test_our_own_verbs(stored):
    for argv in VERBS:
        for agent in ((), ("--agent",)):
            harmless(stored.one(*agent, "trace", *argv))
    for agent in ((), ("--agent",)):
        harmless(stored.one(*agent, "config", "get", EVIL))


def test_answers_of_the_mcp_server(stored):
    calls = [
        ("runs", {}), ("run", {}), ("run", {"run": EVIL}), ("step", {"step": EVIL}), ("stats", {}),
        ("stats", {"flow": EVIL}), ("findings", {"flow": "evil"}), ("diff", {"a": EVIL, "b": "last"}),
        ("runs", {EVIL: 1}), ("runs", {"status": EVIL}),
    ]  # fmt: skip
    lines = [
        {"jsonrpc": "2.0", "id": at, "method": "tools/call", "params": {"name": name, "arguments": given}}
        for at, (name, given) in enumerate(calls)
    ]
    done = harmless(stored.one("trace", "mcp", input="\n".join(map(json.dumps, lines)).encode()))
    answers = [json.loads(line)["result"]["content"][0]["text"] for line in done.out.splitlines()]
    assert len(answers) == len(calls)
    assert not [ascii(text) for text in answers if OBEYED.search(text)]


@pytest.mark.parametrize(
    "argv", [("show",), ("list",), ("stats",), ("stats", "--format", "csv"), ("doctor", "--offline")]
)
def test_our_own_verbs_on_a_terminal(stored, argv):
    shown = on_terminal(stored, "trace", *argv)
    assert not OBEYED.search(re.sub(r"\x1b\[[0-9;]*m|\r", "", shown)), ascii(shown)
    assert "\x1b[31m\\x9b" not in shown, "a name has no colour of its own"


def test_settings_of_a_project_do_nothing_to_a_terminal(machine):
    machine.player("02-linear-unicode")
    for text in (
        '[traces]\n"\\u001b]0;X\\u0007\\u001b[2J\\u009b" = 1\n',
        '"\\u001b[2J" = 1\n',
        '[traces]\nvisibility = "\\u001b[2J\\u202e"\n',
        "[traces\n\x1b[2J",
    ):
        machine.write(machine.project / ".one" / "traces.toml", text)
        for argv in (
            ["flow", "execute", "k", "--trace"],
            ["trace", "list"],
            ["trace", "doctor"],
            ["config", "list"],
        ):
            harmless_beside_the_host(machine.one(*argv))
            done = machine.one("--agent", *argv)
            assert not OBEYED.search(done.err.decode()), ascii(done.err)


def harmless_beside_the_host(done):
    assert not OBEYED.search(done.err.decode()), ascii(done.err)


def test_a_hint_is_a_command_that_can_be_pasted(stored):
    flow = "$(touch pwned) `x`"
    done = stored.one("trace", "stats", flow)
    assert f"one flow execute '{flow}' --trace" in done.err.decode()
    shell = shutil.which("sh") or "/bin/sh"
    line = done.err.decode().partition("Trace one: ")[2]
    subprocess.run([shell, "-c", line.replace("one flow", "echo flow")], cwd=stored.project, check=True)
    assert not (stored.project / "pwned").exists()
