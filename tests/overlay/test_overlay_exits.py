"""How the process of a run ended is a fact of the run: known when it was traced, and not lost afterwards."""

from __future__ import annotations

import signal
import time

from machine import Done, Machine

RUN = ["--agent", "flow", "execute", "x", "--trace"]
UNFINISHED = "48-sigkill"
"""A record without an end."""


def exits(machine: Machine) -> dict[str, object]:
    """`run.exit` of each run, without the time that it took."""
    found = {run["runId"]: run["exit"] for run in machine.runs()}
    return {key: exit and {name: exit[name] for name in ("code", "signal")} for key, exit in found.items()}


def ended(machine: Machine, case: str = UNFINISHED, **how: object) -> dict:
    machine.player(case, **how)
    return machine.one(*RUN).saved


def test_a_signal_and_an_exit_code_are_reported_listed_shown_and_survive_an_import(machine: Machine) -> None:
    machine.env["ONE_TRACES_RETENTION"] = "forever"
    killed, crashed = ended(machine, signal=int(signal.SIGTERM)), ended(machine, exit=3)
    failed = ended(machine, "25-timeout-fail", exit=1)
    by_term, with_3 = {"code": None, "signal": "SIGTERM"}, {"code": 3, "signal": None}
    assert [each["exit"] for each in (killed, crashed)] == [by_term, with_3]
    known = {killed["runId"]: by_term, crashed["runId"]: with_3, failed["runId"]: {"code": 1, "signal": None}}
    assert exits(machine) == known

    lines = {line.split()[0]: line for line in text(machine.one("trace", "list")).splitlines()}
    assert "SIGTERM" in lines[killed["runId"]]
    assert "code 3" in lines[crashed["runId"]]
    assert "code" not in lines[failed["runId"]]
    assert "  crashed with exit code 3 after " in text(machine.one("trace", "show", crashed["runId"]))
    answer = machine.one("--agent", "trace", "show", killed["runId"]).document
    assert answer["run"]["exit"]["signal"] == "SIGTERM"
    assert answer["run"]["exit"]["durationMs"] >= 0

    assert machine.one("trace", "import").code == 0
    assert exits(machine) == known
    assert machine.one("trace", "prune", "--older-than", "1h", "--yes").code == 0
    assert machine.runs() == []
    assert machine.one("trace", "import").code == 0
    assert exits(machine) == known


def test_a_run_that_ignored_ctrl_c_and_succeeded_was_not_interrupted(machine: Machine) -> None:
    """The host in agent mode only notes Ctrl-C."""
    for case, status, name in (("02-linear-unicode", "success", None), (UNFINISHED, "incomplete", "SIGINT")):
        waits = (
            "import signal, time; signal.signal(signal.SIGINT, lambda *_: open('got', 'w')); open('up', 'w')"
        )
        waits += "\nwhile not os.path.exists('got'): time.sleep(0.01)"
        machine.player(case, before=waits)
        process = machine.start(*RUN)
        while not (machine.project / "up").exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        saved = Done(process.returncode, out, err).saved
        assert (process.returncode, saved["status"]) == (0, status)
        assert exits(machine)[saved["runId"]] == {"code": 0, "signal": name}
        for left in ("up", "got"):
            (machine.project / left).unlink()


def text(done: Done) -> str:
    return done.out.decode()
