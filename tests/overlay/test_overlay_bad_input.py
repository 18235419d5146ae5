"""Bad input, end to end: flows and records as nobody would wish for, and what our program makes of them."""

import json
import subprocess
import sys

import pytest

from tests.assemble.recorded import MadeRun, code

ODD_IDS = [
    "a.b",
    "a b",
    "a/b",
    "__proto__",
    "constructor",
    "😀",
    "x" * 2000,
    "9",
    "a > b",
    "[0]",
    "\x1b[31mred",
    "../../escape",
    "-rf",
    "<script>alert(1)</script>",
    "\u202egnp",
    "\0nul",
    "a\nb",
    "last",
]
FAKES = [
    {"event": "step:start", "stepId": "fake", "type": "code"},
    {"event": "flow:error", "flowKey": "odd", "status": "failed"},
    {"event": "workflow:result", "runId": "ffffffffffff", "status": "failed"},
]


@pytest.fixture
def odd(machine):
    """A run, by the built-in runner, of a flow with odd ids and a step that prints what events look like."""
    machine.with_node()
    steps = [{"id": i, "name": i, "type": "transform", "transform": {"expression": "1"}} for i in ODD_IDS]
    prints = "".join(f"console.log({json.dumps(json.dumps(fake))});" for fake in FAKES)
    steps.append({"id": "noise", "name": "N", "type": "code", "code": {"source": prints + "return 1"}})
    flow = {"key": "odd", "name": "Odd", "description": "", "version": "1", "inputs": {}, "steps": steps}
    machine.write(machine.project / ".one/flows/odd/flow.json", json.dumps(flow))
    machine.done = machine.one("--agent", "flow", "execute", "odd", "--trace")
    assert machine.done.code == 0, machine.done.out
    return machine


def test_odd_ids_come_back_as_they_are_and_fake_events_are_not_believed(odd):
    document = odd.one("--agent", "trace", "show", "--full", odd.done.saved["runId"]).document
    assert document["run"]["status"] == "success"
    assert [span["stepId"] for span in document["spans"]] == [*ODD_IDS, "noise"]
    assert {span["status"] for span in document["spans"]} == {"success"}
    assert b'"stepId":"fake"' in odd.done.out.replace(b" ", b""), "what a step prints is printed"


@pytest.mark.parametrize(
    "argv", [["show"], ["list"], ["stats", "odd"], ["show", "--slow", "3"]], ids=" ".join
)
def test_odd_ids_do_nothing_to_a_page(odd, argv):
    odd.env["COLUMNS"] = "60"
    done = odd.one("trace", *argv)
    assert done.code == 0, done.err
    text = done.out.decode()
    assert not {char for char in text if char != "\n" and not char.isprintable()}
    if argv[0] == "show":
        assert max(map(len, text.split("\n"))) <= 60


def test_odd_ids_can_be_asked_for(odd):
    for step in ODD_IDS:
        if "\0" in step:
            continue  # no argument can hold it
        done = odd.one("--agent", "trace", "show", "--full", "last", "--step", step)
        (row,) = done.document["steps"]
        assert row["path"].endswith(step[-100:]), ascii(step)


@pytest.mark.parametrize("form", ["json", "events", "otlp", "perfetto", "html"])
def test_odd_ids_leave_in_every_form(odd, form):
    done = odd.one("trace", "export", "last", "--format", form)
    assert done.code == 0
    if form == "html":
        assert b"<script>alert" not in done.out
    else:
        lines = done.out.split(b"\n") if form == "events" else [done.out]
        assert all(json.loads(line) for line in lines if line)
    assert sorted(path.name for path in odd.project.iterdir()) == [".one"], "nothing else was written"


def test_a_run_id_is_never_a_file_name_of_its_own_choice(machine):
    made = MadeRun(machine.project).flow([code("a")]).start("a").after(1).end("a", 1)
    state = json.dumps(made.state() | {"runId": "../../escape"}).encode()
    made.write(state=state)
    assert machine.one("--agent", "trace", "import").document["imported"] == 1
    path = machine.one("--agent", "trace", "open", "last").document["path"]
    assert path.endswith(f"/{made.run_id}.html")
    assert list(machine.root.rglob("*escape*")) == []


STATE_BYTES = 150_000_000
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""


def peak_of_import(machine, project):
    command = [sys.executable, "-c", PEAK, machine.ours / "one", "--agent", "trace", "import", project]
    done = subprocess.run(command, env=machine.env, cwd=machine.project, capture_output=True, check=True)
    return int(done.stdout)


def test_a_state_of_150_megabytes_is_imported_in_little_more_memory_than_its_size(machine):
    small = MadeRun(machine.root / "small").flow([code("a")]).start("a").after(1).end("a", 1)
    small.write()
    made = MadeRun(machine.root / "big").flow([code("a"), code("b")]).start("a").after(1).end("a", 1)
    made.start("b").after(1).end("b", 1)
    half = STATE_BYTES // 2
    made.results = {
        "a": {"status": "success", "output": "x" * half, "durationMs": 1},
        "b": {"status": "success", "output": [{"k": "y" * 980}] * (half // 1000), "durationMs": 1},
    }
    size = made.write().state.stat().st_size
    assert size > STATE_BYTES
    base = peak_of_import(machine, machine.root / "small")
    assert peak_of_import(machine, machine.root / "big") < 1.3 * size + base
    spans = machine.one("--agent", "trace", "show", "--full").document["spans"]
    assert spans[0]["outputBytes"] == half + 2
