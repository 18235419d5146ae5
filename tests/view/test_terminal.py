"""Traced runs in a terminal: tmux types commands and reads the screen."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from machine import ROOT, Machine
from terminal import Terminal, neutral

GOLDEN = Path(__file__).parent / "golden"
UNTIL_GO = "trap '' INT; until [ -e go ]; do sleep 0.02; done"
RETRY = {"strategy": "retry", "retries": 2, "retryDelayMs": 10}
AT_FIRST = "[ -e tried ] || { touch tried; exit 1; }"


def code(name: str, source: str, **more: object) -> dict:
    return {"id": name, "name": name, "type": "code", "code": {"source": source}, **more}


def bash(name: str, command: str, **more: object) -> dict:
    return {"id": name, "name": name, "type": "bash", "bash": {"command": command}, **more}


FLOW = {
    "key": "digest",
    "name": "Daily digest",
    "version": "1",
    "inputs": {"fail": {"type": "string", "required": False}},
    "steps": [
        code("list", "console.log('said by a \\u001b[1mstep\\u001b[0m'); return {items:[1,2,3]}"),
        {
            "id": "each",
            "name": "each",
            "type": "loop",
            "loop": {"over": "$.steps.list.output.items", "as": "n", "steps": [code("work", "return 1")]},
        },
        {
            "id": "both",
            "name": "both",
            "type": "parallel",
            "parallel": {
                "steps": [
                    bash("left", UNTIL_GO),
                    bash("flaky", f"{AT_FIRST}; {UNTIL_GO}", onError=RETRY),
                ]
            },
        },
        code("store", "if($.input.fail) throw Error('no luck')"),
    ],
}
HOST = """
import json, os, sys
from pathlib import Path
sys.path[:0] = PATHS
from importlib import import_module

def keep_environment():
    # Like One CLI, store the environment in the state.
    for path in Path(".one/flows/.runs").glob("*"):
        try:
            state = json.loads(path.read_text())
        except ValueError:
            continue  # being written
        if not state["context"]["env"] or state["runId"] in sys.argv:
            state["context"]["env"] = {"ONE_TRACE_TOKEN": os.environ["ONE_TRACE_TOKEN"]}
            path.write_text(json.dumps(state, indent=2))

output = import_module(NAME + ".capture.plain").output_for(sys.argv[1:])
report = output.line
output.line = lambda line: (report(line), keep_environment())
code = import_module(NAME + ".runner").run(sys.argv[1:], output).exit_code
keep_environment()
sys.exit(code)
"""
"""A host that is another process: our runner, whose agent mode is that of One CLI."""


@pytest.fixture(params=["host", "built-in"])
def executor(request: pytest.FixtureRequest, machine: Machine) -> str:
    machine.with_node().env["PATH"] += os.pathsep + os.defpath
    if request.param == "host":
        paths = [str(ROOT), *(path for path in sys.path if path.endswith("-packages"))]
        machine.host(f"PATHS = {paths!r}\nNAME = 'one' + '_trace'\n{HOST}")
    else:
        machine.env["ONE_TRACE_HOST"] = "built-in"
    folder = machine.project / ".one" / "flows" / "digest"
    machine.write(folder / "flow.json", json.dumps(FLOW))
    return request.param


@pytest.fixture
def terminals(machine: Machine) -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


@pytest.fixture
def open_terminal(machine: Machine, terminals: list[Terminal]):
    def open_it(columns: int = 80, rows: int = 40, **env: str) -> Terminal:
        terminals.append(Terminal(machine, columns, rows, **env))
        return terminals[-1]

    return open_it


RUN = "one flow x digest --allow-bash --trace"
RETRYING = r"try 2 of 3 +bash"
SPINNING = r"^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] digest"
SAVED = r"^traced [0-9a-f]{12}: "


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("ends", ["well", "badly"])
def test_a_run_during_and_after(machine, executor, open_terminal, columns, ends):
    terminal = open_terminal(columns)
    terminal.type(RUN + (" -i fail=yes" if ends == "badly" else ""), "Enter")
    kept = (GOLDEN / f"terminal-during-{columns}.txt").read_text()
    assert drawn_as(terminal, kept) == neutral(kept)
    terminal.wait_for_cursor(shown=False)
    (machine.project / "go").touch()
    terminal.wait_for(SAVED)
    terminal.wait_for_cursor()
    kept = (GOLDEN / f"terminal-after-{executor}-{ends}-{columns}.txt").read_text()
    assert drawn_as(terminal, kept) == neutral(kept)


def drawn_as(terminal: Terminal, kept: str) -> str:
    """The screen below the command line, without the prompt, as soon as it is drawn as in `kept`."""

    def below(screen: str) -> str:
        return neutral(screen).split("\n", 1)[1].rstrip("$ \n") + "\n"

    return below(terminal.wait_until(lambda screen: below(screen) == neutral(kept), seconds=30))


ONLY_HOST = pytest.mark.parametrize("executor", ["host"], indirect=True)
BOTH = pytest.mark.parametrize("executor", ["host", "built-in"], indirect=True)


NOT_DRAWN = {"ONE_TRACES_LIVE": "false"}


def state(machine) -> dict:
    (path,) = (machine.project / ".one/flows/.runs").glob("*.state.json")
    return json.loads(path.read_text())


def left_running(machine) -> list[str]:
    """The command lines of what still runs in the project, without bash steps and the shell."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode("utf-8", "replace").replace("\0", " ")
            here = (process / "cwd").readlink() == machine.project.resolve()
        except OSError:
            continue  # it has ended, or belongs to another user
        if here and re.search(r"node|digest", words):
            found.append(words)
    return found


def canceled(machine, terminal) -> str:
    """The screen after Ctrl-C is typed while the run waits for `go`."""
    terminal.type("C-c")
    shown = terminal.wait_for(r"^ended with \d")
    assert state(machine)["status"] == "running"
    assert left_running(machine) == []
    (machine.project / "go").touch()
    assert re.search(r"^◇  Canceled$", shown, re.MULTILINE)
    assert "ended with 0" in shown
    assert "Pausing" not in shown
    assert "completed" not in shown
    assert not re.search(SPINNING, shown, re.MULTILINE)
    terminal.wait_for_cursor()
    return shown


@pytest.mark.parametrize(
    ("executor", "env"),
    [("host", {}), ("built-in", {}), ("built-in", NOT_DRAWN)],
    ids=["host, drawn", "built-in, drawn", "built-in, not drawn"],
    indirect=["executor"],
)
def test_ctrl_c_cancels_the_run(machine, executor, open_terminal, env):
    terminal = open_terminal(**env)
    terminal.type(f"{RUN}; echo ended with $?", "Enter")
    terminal.wait_for("Executing workflow" if env else RETRYING)
    until_tried(machine)
    shown = canceled(machine, terminal)
    assert re.search(SAVED, shown, re.MULTILINE)
    (kept,) = machine.runs()
    assert kept["status"] == "incomplete"


@pytest.mark.parametrize("executor", ["built-in"], indirect=True)
def test_ctrl_c_cancels_a_run_that_is_not_traced(machine, executor, open_terminal):
    terminal = open_terminal()
    terminal.type("one flow x digest --allow-bash --no-trace; echo ended with $?", "Enter")
    terminal.wait_for("Executing workflow")
    until_tried(machine)
    canceled(machine, terminal)
    assert machine.runs() == []


@BOTH
def test_ctrl_c_cancels_a_resumed_run(machine, executor, open_terminal):
    folder = machine.project / ".one/flows/digest"
    again = "if(!(await import('fs')).existsSync('again')) throw 1;"
    waits = f"{again} await new Promise((r) => setTimeout(r, 60000))"
    flow = {**FLOW, "steps": [code("first", waits)]}
    machine.write(folder / "flow.json", json.dumps(flow))
    terminal = open_terminal(100, 60)
    terminal.type("one flow x digest --trace", "Enter")
    run_id = re.search(SAVED, terminal.wait_for(SAVED), re.MULTILINE)[0].split()[1].rstrip(":")
    (machine.project / "again").touch()
    terminal.clear()
    terminal.type(f"one flow resume {run_id} --trace; echo ended with $?", "Enter")
    terminal.wait_for(SPINNING)
    canceled(machine, terminal)


def until_tried(machine) -> None:
    until = time.monotonic() + 120
    while not (machine.project / "tried").exists():
        assert time.monotonic() < until
        time.sleep(0.02)


@BOTH
def test_ctrl_c_only_pauses_a_verbose_run(machine, executor, open_terminal):
    terminal = open_terminal()
    terminal.type(f"{RUN} -v", "Enter")
    terminal.wait_for(RETRYING)
    terminal.type("C-c")
    terminal.wait_for(r"^Pausing after current step completes\.\.\. \(run ID: [0-9a-f]{12}\)$")
    (machine.project / "go").touch()
    shown = terminal.wait_for(SAVED)
    assert "Canceled" not in shown
    assert state(machine)["status"] == "completed"
    assert not re.search(SPINNING, shown, re.MULTILINE)
    terminal.wait_for_cursor()


@BOTH
def test_ctrl_c_only_pauses_without_a_terminal_on_stdin(machine, executor, open_terminal):
    terminal = open_terminal()
    terminal.type(f"{RUN} < /dev/null", "Enter")
    terminal.wait_for(RETRYING)
    terminal.type("C-c")
    terminal.wait_for("^Pausing after current step completes")
    (machine.project / "go").touch()
    assert "◇  Workflow completed" in terminal.wait_for(SAVED)


@BOTH
@pytest.mark.parametrize("number", ["TERM", "HUP", "INT"])
def test_a_signal_leaves_the_terminal_clean(machine, executor, open_terminal, number):
    """`kill` of our process alone: the host gets the signal, and may handle it."""
    terminal = open_terminal()
    terminal.type(f"{RUN}; echo ended with $?", "Enter")
    terminal.wait_for(RETRYING)
    subprocess.run(["pkill", f"-{number}", "-P", terminal.shell(), "-f", "digest"], check=True)
    (machine.project / "go").touch()
    if number == "INT":
        terminal.wait_for("ended with 0")
    else:
        terminal.wait_for(f"ended with {128 + getattr(signal, f'SIG{number}')}")
        assert "incomplete" in terminal.screen()
    terminal.wait_for_cursor()
    assert not re.search(SPINNING, terminal.screen(), re.MULTILINE)


@ONLY_HOST
def test_a_run_whose_tracer_is_killed_is_traced_by_the_next(machine, executor, open_terminal):
    terminal = open_terminal()
    terminal.type(RUN, "Enter")
    terminal.wait_for(RETRYING)
    subprocess.run(["pkill", "-KILL", "-P", terminal.shell(), "-f", "digest"], check=True)
    terminal.wait_for("Killed")
    (machine.project / "go").touch()
    terminal.clear()
    terminal.type(RUN, "Enter")
    terminal.wait_for(SAVED)
    killed, whole = sorted(run["status"] for run in machine.runs())
    assert (killed, whole) == ("incomplete", "success")


@BOTH
def test_ctrl_z_releases_the_terminal_until_fg(machine, executor, open_terminal):
    terminal = open_terminal()
    terminal.type(RUN, "Enter")
    terminal.wait_for(RETRYING)
    terminal.type("C-z")
    shown = terminal.wait_for("Stopped")
    terminal.wait_for_cursor()
    assert "try 2 of 3" not in shown
    terminal.type("fg", "Enter")
    terminal.wait_for(RETRYING)
    (machine.project / "go").touch()
    assert "◇  Workflow completed" in terminal.wait_for(SAVED)
    terminal.wait_for_cursor()


@ONLY_HOST
@pytest.mark.parametrize(
    "how",
    ["TERM=dumb {}", "CI=1 {}", "ONE_TRACES_LIVE=false {}", "{} | cat", "{} 2>said; cat said"],
)
def test_undrawn_runs_show_the_hosts_own_output(machine, executor, open_terminal, how):
    (machine.project / "go").touch()
    terminal = open_terminal()
    terminal.type(how.format(RUN), "Enter")
    shown = terminal.wait_for(SAVED)
    assert "Executing workflow..." in shown, "our runner's own words in human mode"
    assert "Slowest" not in shown


@ONLY_HOST
def test_without_colour_on_a_low_screen(machine, executor, open_terminal):
    terminal = open_terminal(60, 8, NO_COLOR="1")
    terminal.type("clear; " + RUN, "Enter")
    terminal.wait_for(RETRYING)
    during = terminal.screen(styled=True)
    (machine.project / "go").touch()
    terminal.wait_for(SAVED)
    assert "and 1 step more" in neutral(during) or "flaky" in during
    colours = re.findall(r"\x1b\[(?:3|4|9)[0-7]m", during + terminal.screen(styled=True))
    assert colours == []


REFUSED = {
    "one flow x digest --trace": "contains bash steps. Re-run with --allow-bash",
    "one flow x nope --trace": "Flow not found: ",
    "one flow x digest --allow-bash --stop-after nope --trace": "is not a step in workflow",
    "one flow x broken --trace": "Validation failed:\n  steps",
    "one flow resume abcdefabcdef --trace": 'Run "abcdefabcdef" not found',
}


@BOTH
@pytest.mark.parametrize("command", REFUSED)
def test_refusals_are_text(machine, executor, open_terminal, command):
    broken = {"key": "broken", "name": "B", "version": "1", "inputs": {}, "steps": [{"id": "a"}]}
    machine.write(machine.project / ".one/flows/broken/flow.json", json.dumps(broken))
    terminal = open_terminal(120)
    terminal.type(f"{command}; echo ended with $?", "Enter")
    shown = terminal.wait_for(r"^ended with \d")
    assert "ended with 1" in shown
    assert f"└  {REFUSED[command][:8]}" in shown or REFUSED[command] in shown
    assert REFUSED[command] in shown
    assert "{" not in shown
    assert "traced" not in shown
    terminal.wait_for_cursor()


@BOTH
def test_stopped_dry_and_verbose_runs_are_text(machine, executor, open_terminal):
    (machine.project / "go").touch()
    terminal = open_terminal(100, 60)
    terminal.type(f"{RUN} --stop-after each -v", "Enter")
    shown = terminal.wait_for(SAVED)
    assert re.search(r"^  \d\d:\d\d:\d\d ▶ list \(code\)$", shown, re.MULTILINE)
    assert re.search(r"^  \d\d:\d\d:\d\d ✓ list \d+ms$", shown, re.MULTILINE)
    assert 'Stopped after step "each"' in shown
    terminal.clear()
    terminal.type(f"{RUN} --dry-run; echo ended", "Enter")
    shown = terminal.wait_for("^ended")
    assert "Dry run — no steps executed. Resolved 7 step(s)" in shown
    assert "traced" not in shown
    terminal.clear()
    terminal.type(f"{RUN} --output-file out.json", "Enter")
    shown = terminal.wait_for(SAVED)
    assert "Full result written to" in shown
    assert "✓ 7 succeeded" in shown


@BOTH
def test_a_resumed_run_is_drawn_too(machine, executor, open_terminal):
    flow = {
        **FLOW,
        "steps": [code("first", "return 1"), code("second", "if(!$.input.fail) return 2; throw 1")],
    }
    folder = machine.project / ".one/flows/digest"
    machine.write(folder / "flow.json", json.dumps(flow))
    terminal = open_terminal(100, 60)
    terminal.type("one flow x digest -i fail=yes --trace", "Enter")
    shown = terminal.wait_for(SAVED)
    assert "✗ second" in shown
    flow["steps"][1] = code("second", "return 2")
    machine.write(folder / "flow.json", json.dumps(flow))
    run_id = re.search(r"^traced (\w+)", shown, re.MULTILINE)[1]
    terminal.clear()
    terminal.type(f"one flow resume {run_id} --trace", "Enter")
    shown = terminal.wait_for(SAVED)
    assert "✓ Resumed and completed successfully" in shown
    assert "✓ second" in shown


def test_a_run_of_the_real_one_cli(real_one, open_terminal):
    real_one.env["PATH"] += os.pathsep + os.defpath
    real_one.write(real_one.project / ".one/flows/digest/flow.json", json.dumps(FLOW))
    terminal = open_terminal(80)
    terminal.type(RUN + " -i fail=yes", "Enter")
    during = terminal.wait_for(RETRYING)
    (real_one.project / "go").touch()
    after = terminal.wait_for(SAVED)
    assert neutral(during).split("\n", 1)[1] == (GOLDEN / "terminal-during-80.txt").read_text()
    assert '└  Workflow failed: Code step "store" failed' in after
    assert "✗ store" in after
    terminal.wait_for_cursor()


def test_ctrl_c_cancels_a_run_of_the_real_one_cli(real_one, open_terminal):
    real_one.env["PATH"] += os.pathsep + os.defpath
    real_one.write(real_one.project / ".one/flows/digest/flow.json", json.dumps(FLOW))
    terminal = open_terminal(80)
    terminal.type(f"{RUN}; echo ended with $?", "Enter")
    terminal.wait_for(RETRYING)
    assert re.search(SAVED, canceled(real_one, terminal), re.MULTILINE)
