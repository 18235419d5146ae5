"""A traced run is the same run, byte for byte, plus a trace."""

import json
import resource
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

RUN = ["--agent", "flow", "execute", "k", "--trace"]
SPANS = {"02-linear-unicode": 3, "14-subflow": 5, "25-timeout-fail": 2, "67a-empty-flow": 0, "48-sigkill": 5}


@pytest.mark.parametrize("case", SPANS)
@pytest.mark.parametrize("code", [0, 1, 42])
def test_output_and_exit_code_are_the_hosts_and_a_trace_is_saved(machine, case, code):
    machine.player(case, exit=code)
    done = machine.one(*RUN)
    assert done.code == code
    saved = done.saved
    always = {"event", "runId", "traceId", "spans", "status", "durationMs", "uploads"}
    assert set(saved) == always | (set() if saved["status"] == "success" else {"cause", "exit", "next"})
    assert (saved["spans"], saved["uploads"], len(saved["traceId"])) == (SPANS[case], [], 32)
    (log,) = (machine.project / ".one/flows/.logs").iterdir()
    assert saved["runId"] in log.name
    shown = machine.one("--agent", "trace", "show", "--full", saved["runId"]).document
    assert shown["run"]["runId"] == saved["runId"]
    assert shown["run"]["executor"] == {"name": "one-cli", "version": None}


def test_stdout_is_the_hosts_byte_for_byte(machine):
    machine.player("64-console-log", after="sys.stderr.write('noise')")
    without = machine.one("--agent", "flow", "execute", "k")
    with_us = machine.one(*RUN)
    ids = [file.name[-16:-4] for file in (machine.project / ".one/flows/.logs").iterdir()]
    plain = {
        done.out.replace(i.encode(), b"")
        for done in (without, with_us)
        for i in ids
        if i.encode() in done.out
    }
    assert len(plain) == 1
    assert with_us.err.startswith(b"noise{")


@pytest.mark.parametrize("case", ["34-invalid-flow", "35-unknown-flow", "36a-bash-preflight"])
def test_a_flow_that_did_not_start_is_one_error(machine, case):
    machine.player(case, exit=1)
    done = machine.one(*RUN)
    (note,) = done.notes
    assert (done.code, note["code"], done.err.count(b"\n")) == (1, "run-not-started", 1)
    assert list(machine.data.iterdir()) == []


@pytest.mark.parametrize(
    ("case", "argv"), [("41-dry-run", [*RUN, "--dry-run"]), ("35-unknown-flow", [*RUN, "--help"])]
)
def test_commands_that_run_nothing_print_nothing(machine, case, argv):
    machine.player(case)
    done = machine.one(*argv)
    assert (done.code, done.err) == (0, b"")
    assert list(machine.data.iterdir()) == []


def test_a_dry_run_that_ran_steps_is_traced(machine):
    machine.player("42-dry-run-stop-after")
    assert machine.one(*RUN).saved["spans"] == 1


def test_the_trace_is_one_line_of_text(machine):
    machine.player("02-linear-unicode")
    done = machine.one("flow", "execute", "k", "--trace")
    (run_id,) = [file.name[-16:-4] for file in (machine.project / ".one/flows/.logs").iterdir()]
    assert done.err.decode() == f"traced {run_id}: 3 spans. See it: one trace show {run_id}\n"


@pytest.mark.parametrize(
    ("settings", "flags", "traced"),
    [
        ("", [], False),
        ("", ["--trace"], True),
        ("true", [], True),
        ("true", ["--no-trace"], False),
        ("false", ["--trace"], True),
    ],
)
def test_the_flag_wins_over_the_setting(machine, settings, flags, traced):
    machine.player("02-linear-unicode")
    if settings:
        machine.one("config", "set", "traces.enabled", settings)
    assert bool(machine.one("--agent", "flow", "x", "k", *flags).notes) is traced


def test_resume_is_traced_too(machine):
    machine.player("49-resume-failed")
    done = machine.one("--agent", "flow", "resume", "k", "--trace")
    shown = machine.one("--agent", "trace", "show", "--full").document
    assert shown["run"]["runId"] == done.saved["runId"]
    assert {span["path"].split(" > ")[0] for span in shown["spans"]} == {"resume-ok", "resume-ok#2"}


def test_the_host_gets_our_options_stripped_and_its_own_kept(machine):
    argv = [*RUN, "-i", "a=1", "-vi", "--trace", "--output-file", "--no-trace"]
    machine.host("import sys\nprint(sys.argv[1:])")
    reported = eval(machine.one(*argv).out)
    assert reported == [
        "--agent",
        "flow",
        "execute",
        "k",
        "-i",
        "a=1",
        "-vi",
        "--trace",
        "--output-file",
        "--no-trace",
    ]


def test_the_environment_is_the_users_plus_ours(machine):
    machine.shell_host("/usr/bin/env -0")
    machine.env["TRACEPARENT"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    reported = dict(entry.split("=", 1) for entry in machine.one(*RUN).out.decode().split("\0") if entry)
    ours = {name: reported.pop(name) for name in ("ONE_TRACE_TOKEN", "ONE_TRACE_PARENT", "ONE_TRACE_VIA")}
    reported.pop("PWD")  # the shell's own
    assert reported == machine.env
    assert len(ours["ONE_TRACE_TOKEN"]) == 32


def test_a_run_that_a_traced_run_started_is_its_child(machine):
    inner = "import subprocess; subprocess.run(['one', *'--agent flow execute x --trace'.split()], stdout=2)"
    machine.player("02-linear-unicode", after=f"if sys.argv[4] == 'k': {inner}")
    child, parent = machine.one(*RUN).notes
    assert child["runId"] != parent["runId"]

    def parent_of(note):
        return machine.one("--agent", "trace", "show", "--full", note["runId"]).document["run"]["parentRunId"]

    assert (parent_of(child), parent_of(parent)) == (parent["runId"], None)


SESSIONS = [
    ({"CODEX_THREAD_ID": "c"}, {"agent": "codex", "sessionId": "c"}),
    ({"CODEX_THREAD_ID": "c", "CLAUDE_CODE_SESSION_ID": "s"}, {"agent": "claude-code", "sessionId": "s"}),
    ({"CLAUDE_CODE_SESSION_ID": "s", "TRACES_CURRENT_TRACE_ID": "t"}, {"agent": None, "sessionId": "t"}),
    ({"TRACES_CURRENT_TRACE_ID": "t", "TRACES_CURRENT_TRACE_AGENT": "x"}, {"agent": "x", "sessionId": "t"}),
    ({"CODEX_THREAD_ID": ""}, None),
    ({"CURSOR_AGENT": "1"}, {"agent": "cursor", "sessionId": None}),
]


@pytest.mark.parametrize(("variables", "session"), SESSIONS)
def test_the_session_that_started_the_run_is_kept(machine, variables, session):
    machine.player("02-linear-unicode")
    machine.env |= variables
    machine.one(*RUN)
    assert machine.one("--agent", "trace", "show", "--full").document["run"]["session"] == session


def test_two_runs_of_one_flow_in_one_folder_at_once(machine):
    machine.player("06-loop-seq", before="import time; time.sleep(0.2)")
    processes = [machine.start(*RUN) for _ in range(4)]
    saved = [json.loads(process.communicate(timeout=120)[1])["runId"] for process in processes]
    assert len(set(saved)) == 4
    assert {run["runId"] for run in machine.runs()} == set(saved)


MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""
"""Runs in a small process: a child's peak memory starts with its parent's."""


def test_fifty_megabytes_in_one_line(machine):
    machine.player("02-linear-unicode", print=50 << 20)
    argv = [sys.executable, "-IS", "-c", MEASURE, machine.ours / "one", *RUN]
    done = subprocess.run(argv, env=machine.env, cwd=machine.project, capture_output=True, check=False)
    assert done.returncode == 0
    assert len(done.stdout) > 50 << 20
    assert int(done.stderr) < 200 * 1024, "KiB"
    assert len(machine.runs()) == 1


# An error in tracing is one line, and nothing else.


def _data_folder_is_no_folder(machine):
    machine.env["ONE_TRACES_DATA_DIR"] = str(machine.write(machine.root / "file", "") / "data")


def _store_is_of_a_newer_version(machine):
    with sqlite3.connect(machine.data / "traces.db") as connection:
        connection.execute("CREATE TABLE migrations (name TEXT PRIMARY KEY, applied_ms INTEGER)")
        connection.execute("INSERT INTO migrations VALUES ('9999-from-the-future', 0)")


def _store_is_no_database(machine):
    machine.write(machine.data / "traces.db", "no database " * 1000)


def _store_is_a_folder(machine):
    (machine.data / "traces.db").mkdir()


@pytest.mark.parametrize(
    "break_it",
    [_data_folder_is_no_folder, _store_is_of_a_newer_version, _store_is_no_database, _store_is_a_folder],
    ids=lambda put: put.__name__.strip("_"),
)
@pytest.mark.parametrize("agent", [True, False])
def test_errors_of_tracing_are_one_line(machine, break_it, agent):
    machine.player("02-linear-unicode", exit=5)
    break_it(machine)
    done = machine.one(*RUN[not agent :])
    assert done.code == 5
    assert done.out.count(b"workflow:result") == 1
    assert done.err.count(b"\n") == 1
    assert b"not traced" in done.err
    assert b"Traceback" not in done.err
    if agent:
        assert done.notes[0]["event"] == "trace:trouble"


@pytest.mark.parametrize(
    "damage",
    [
        "[f.write_bytes(f.read_bytes()[:-200]) for f in Path('.one/flows/.logs').iterdir()]",
        "[f.unlink() for f in Path('.one/flows/.logs').iterdir()]",
        "[f.write_bytes(f.read_bytes()[:900]) for f in Path('.one/flows/.runs').iterdir()]",
        "[f.unlink() for f in Path('.one/flows/linear-uni').iterdir()]",
    ],
)
def test_a_damaged_record_is_traced_partially(machine, damage):
    machine.player("02-linear-unicode", after=damage)
    done = machine.one(*RUN)
    assert done.code == 0
    assert done.saved["spans"] in (0, 2, 3)


def test_a_closed_stderr_changes_nothing(machine):
    machine.player("02-linear-unicode", exit=4)
    closed = f"import os, sys; os.close(2); os.execv({str(machine.ours / 'one')!r}, sys.argv)"
    done = subprocess.run(
        [sys.executable, "-c", closed, *RUN],
        env=machine.env,
        cwd=machine.project,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 4
    assert len(machine.runs()) == 1


def test_a_full_disk_is_one_line(machine):
    """Files are limited to 16 KiB, so the store does not fit, as on a full disk."""
    machine.player("02-linear-unicode", exit=5)
    small = (16 << 10, 16 << 10)
    done = machine.one(*RUN, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, small))
    assert (done.code, done.err.count(b"\n"), len(done.notes)) == (5, 1, 1), done.err
    assert "not traced" in done.notes[0]["message"]


def test_a_locked_store_is_one_line(machine):
    machine.player("02-linear-unicode")
    machine.one(*RUN)
    with sqlite3.connect(machine.data / "traces.db", isolation_level=None) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        done = machine.one(*RUN)
    assert (done.code, done.err.count(b"\n"), len(done.notes)) == (0, 1, 1), done.err
    assert "not traced" in done.notes[0]["message"]


def test_ctrl_c_during_tracing_keeps_the_exit_code(machine):
    """The store is locked, so that there is time to press Ctrl-C."""
    machine.player("02-linear-unicode", exit=7)
    machine.one(*RUN)
    with sqlite3.connect(machine.data / "traces.db", isolation_level=None) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        process = machine.start(*RUN)
        assert process.stdout.read()
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 7
    assert err.count(b"\n") == 1


OLD = """
for path in Path(".one/flows").glob(".*/*"):
    path.write_text(path.read_text().replace("2026-", "2020-"))
"""


def test_an_old_resumed_run_is_not_pruned(machine):
    machine.player("06-loop-seq", after=OLD)
    saved = machine.one("--agent", "flow", "resume", "k", "--trace").saved
    shown = machine.one("--agent", "trace", "show", "--full", saved["runId"])
    assert shown.code == 0
    assert shown.document["run"]["startedAt"].startswith("2020-")
