"""The run is found whatever neighbours, clocks, hosts and folders do; otherwise one line says so."""

import json
import subprocess
import sys
import threading
import time

import pytest

RUN = ["--agent", "flow", "execute", "linear-uni", "--trace"]
SLOWLY = "import time; time.sleep(0.2)"
"""A host takes its time to start: what was there before is seen before."""
STATES = "[*Path('.one/flows/.runs').iterdir()]"
OLD = f"[os.utime(path, (time.time() - 3600,) * 2) for path in {STATES}]"
HIDES = {
    "has none": "os.environ.clear()",
    "has stars": "[os.environ.__setitem__(name, '***') for name in list(os.environ)]",
    "hides the token": "os.environ['ONE_TRACE_TOKEN'] = '<redacted>'",
    "hides secrets by their names": "os.environ.pop('ONE_TRACE_TOKEN')",
    "is given none of ours by a wrapper": "[os.environ.pop(f'ONE_TRACE_{x}') for x in ('TOKEN', 'VIA')]",
}
"""What a host does to the environment before it writes it into its state."""


def code_of(done):
    (note,) = done.notes
    return note["code"]


REWRITER = """
import os, sys
path, data = sys.argv[1], b"{" + b" " * (8 << 20) + b"}"
print("up", flush=True)
while True:
    with open(path, "wb") as file:
        file.write(data)
"""


def test_a_neighbour_that_rewrites_its_state_changes_nothing(machine):
    runs = machine.project / ".one/flows/.runs"
    runs.mkdir(parents=True)
    command = [sys.executable, "-c", REWRITER, runs / "other-00000000000a.state.json"]
    neighbour = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        neighbour.stdout.readline()
        for _ in range(12):
            machine.player("02-linear-unicode", exit=3)
            done = machine.one(*RUN)
            assert (done.code, done.saved["spans"]) == (3, 3)
    finally:
        neighbour.kill()
        neighbour.wait()


def test_the_file_systems_clock_may_lag_behind(machine):
    machine.player("02-linear-unicode", before="import time", after=OLD)
    assert machine.one(*RUN).saved["spans"] == 3
    assert machine.one("--agent", "flow", "resume", machine.runs()[0]["runId"], "--trace").saved["spans"] == 3


@pytest.mark.parametrize("hide", HIDES)
def test_a_host_that_hides_its_environment_is_traced(machine, hide):
    machine.player("02-linear-unicode")
    machine.one(*RUN)
    machine.player("02-linear-unicode", before=f"{SLOWLY}; {HIDES[hide]}")
    assert machine.one(*RUN).saved["spans"] == 3
    assert len(machine.runs()) == 2


def test_if_two_runs_may_be_ours_neither_is_traced(machine):
    twin = "[p.with_name(p.name[:-23] + 'a' * 12 + p.name[-11:]).write_bytes(p.read_bytes()) for p in"
    machine.player(
        "02-linear-unicode", before=f"{SLOWLY}; {HIDES['has none']}", after=f"{twin} {STATES}]", exit=3
    )
    done = machine.one(*RUN)
    assert (done.code, code_of(done), len(machine.runs())) == (3, "run-ambiguous", 0)


@pytest.mark.parametrize("neighbours", [1, 2])
def test_a_neighbour_that_is_saving_its_state_is_not_mistaken_for_a_run_that_was_killed(machine, neighbours):
    """Its state is empty at that moment, and does not say whose it is."""
    machine.host(KILLED_AMONG_NEIGHBOURS.replace("NEIGHBOURS", str(neighbours)))
    done = machine.one(*RUN)
    assert (done.code, code_of(done), len(machine.runs())) == (-9, "run-not-started", 0)


KILLED_AMONG_NEIGHBOURS = """
import json, os, time
from pathlib import Path

runs = Path(".one/flows/.runs")
runs.mkdir(parents=True)
paths = [runs / f"linear-uni-00000000000{number}.state.json" for number in range(NEIGHBOURS)]
for path in paths:
    path.touch()
if os.fork() == 0:
    for stream in range(3):
        os.close(stream)
    time.sleep(0.15)
    for path in paths:
        state = {"flowKey": "linear-uni", "context": {"env": {"ONE_TRACE_TOKEN": "f" * 32, "PATH": "/bin"}}}
        path.write_text(json.dumps(state, indent=2))
    os._exit(0)
os.kill(os.getpid(), 9)
"""


def test_a_neighbours_run_is_not_mistaken_for_one_that_did_not_start(machine):
    """It says in its environment whose it is."""
    neighbour = "; ".join(
        [
            "state = {'runId': 'a' * 12, 'flowKey': 'linear-uni', 'context': {'env': dict(os.environ)}}",
            "state['context']['env'].pop('ONE_TRACE_TOKEN'); state['context']['env'].pop('ONE_TRACE_VIA')",
            "runs = Path('.one/flows/.runs'); runs.mkdir(parents=True)",
            "(runs / f\"linear-uni-{'a' * 12}.state.json\").write_text(json.dumps(state, indent=2))",
        ]
    )
    machine.player("35-unknown-flow", before=SLOWLY, after=neighbour, exit=1)
    done = machine.one(*RUN)
    assert (done.code, code_of(done)) == (1, "run-not-started")


def test_a_run_that_leaves_no_record_is_one_line(machine):
    machine.host("print('done')")
    done = machine.one(*RUN)
    assert (done.code, done.out, code_of(done)) == (0, b"done\n", "run-not-found")
    people = machine.one(*RUN[1:])
    assert people.err.count(b"\n") == 1
    assert b"not traced" in people.err


def test_a_project_may_be_renamed_during_the_run(machine):
    new = machine.root / "new name"
    machine.player("02-linear-unicode", before=f"os.rename({str(machine.project)!r}, {str(new)!r})")
    assert machine.one(*RUN).saved["spans"] == 3
    new.rename(machine.project)
    machine.player("02-linear-unicode", after=f"os.rename({str(machine.project)!r}, {str(new)!r})")
    assert machine.one(*RUN).saved["spans"] == 3


def test_the_flow_file_is_the_one_that_argv_names(machine):
    """Another has the same key, and would be found first by it."""
    machine.player("02-linear-unicode", after="Path('.one/flows/linear-uni').rename('drafts')")
    other = {"key": "linear-uni", "name": "other", "version": "1", "inputs": {}, "steps": []}
    machine.write(machine.project / ".one/flows/aaa/flow.json", json.dumps(other))
    machine.one("--agent", "flow", "execute", "./drafts/flow.json", "--trace")
    spans = machine.one("--agent", "trace", "show", "--full").document["spans"]
    assert [span["name"] for span in spans] == ["Schritt Ä – “one”", "шаг 2", "C"]


def test_only_the_flows_of_the_run_are_read(machine, monkeypatch):
    from one_trace.record import flows
    from one_trace.record.files import discover
    from one_trace.record.reading import read

    machine.player("02-linear-unicode", after="Path('.one/flows/linear-uni').rename('.one/flows/called')")
    machine.one("--agent", "flow", "execute", "called", "--no-trace")
    for number in range(20):
        machine.write(machine.project / f".one/flows/other-{number}/flow.json", "{}")
    from msgspec.structs import replace

    looked = []
    monkeypatch.setattr(
        flows, "read_flow", lambda path, real=flows.read_flow: looked.append(path) or real(path)
    )
    ((files,), _) = discover([machine.project])
    assert read(replace(files, flow="called")).flow is not None
    assert len(looked) == 1


def test_megabytes_of_states_that_others_left_are_not_waited_for(machine):
    """A sparse file of 300 GB, and a FIFO."""
    machine.player("02-linear-unicode", before=SLOWLY)
    runs = machine.project / ".one/flows/.runs"
    runs.mkdir(parents=True)

    def sanitize():
        import os

        time.sleep(0.1)
        with (runs / "other-00000000000a.state.json").open("wb") as sparse:
            sparse.truncate(300 << 30)
        os.mkfifo(runs / "other-00000000000b.state.json")

    thread = threading.Thread(target=sanitize)
    thread.start()
    assert machine.one(*RUN).saved["spans"] == 3
    thread.join()
