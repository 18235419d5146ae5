"""`traces.on_finish`: a program of the user's own is started after a run that did not succeed."""

import json

import pytest

RUN = ["--agent", "flow", "execute", "k", "--trace"]


@pytest.fixture
def hooked(machine):
    """`hook(text)`: a shell script as the program, and a run that fails."""
    machine.env["PATH"] += ":/usr/bin:/bin"
    machine.player("25-timeout-fail", exit=1)

    def hook(text, seconds=20):
        program = machine.script(machine.root / "hook", f"#!/bin/sh\n{text}\n")
        machine.write(machine.user_file, f'[traces]\non_finish = "{program}"\nflush_timeout = {seconds}\n')
        return program

    machine.hook = hook
    return machine


def test_it_gets_the_line_of_a_run_that_failed_and_no_secret(hooked):
    hooked.hook('cat > line; env > env; echo noise; echo noise >&2; [ -t 0 ] || tty; touch "done"')
    hooked.env |= {
        "TRACES_API_KEY": "trk_secret-of-traces",
        "ONE_SECRET": "sk_live_secret",
        "OTEL_EXPORTER_OTLP_HEADERS": "k=secret-header",
        "ONE_TRACES_UPLOAD": "manual",
        "MINE": "kept",
    }
    done = hooked.one(*RUN)
    assert json.loads((hooked.project / "line").read_text()) == done.saved
    assert (done.code, done.saved["status"]) == (1, "error")
    assert b"noise" not in done.out + done.err
    env = (hooked.project / "env").read_text()
    assert "MINE=kept" in env
    assert "secret" not in env
    assert "ONE_TRACE_TOKEN" not in env


def test_it_is_not_started_after_any_other_run(hooked):
    hooked.hook("touch told")
    hooked.player("02-linear-unicode")
    hooked.one(*RUN)
    assert not (hooked.project / "told").exists()
    hooked.player("25-timeout-fail", exit=1)
    within = hooked.one(*RUN, env={"ONE_TRACE_ON_FINISH": "1"})
    assert within.saved["status"] == "error"
    assert not (hooked.project / "told").exists(), "a run that the program started"


PROBLEMS = {
    "exit 3": "ended with exit code 3",
    "kill -9 $$": "ended by signal 9",
    "sleep 1000 & wait": "was stopped after 0.3 s (traces.flush_timeout)",
}


@pytest.mark.parametrize("text", PROBLEMS)
def test_a_program_that_fails_or_hangs_is_one_line(hooked, text):
    hooked.hook(text, seconds=0.3 if "sleep" in text else 20)
    done = hooked.one(*RUN)
    saved, problem = done.notes
    assert (done.code, saved["event"], problem["code"]) == (1, "trace:saved", "on-finish")
    assert problem["message"].endswith(PROBLEMS[text])
    assert len(done.err.splitlines()) == 2


def test_a_missing_program_is_one_line(hooked):
    program = hooked.hook("")
    for break_it in (lambda: program.chmod(0o644), program.unlink, program.mkdir):
        break_it()
        _, problem = hooked.one(*RUN).notes
        assert problem["message"].startswith(f"the program {program} cannot be started: ")
    checks = hooked.one("--agent", "trace", "doctor", "--offline").document["checks"]
    assert [check["state"] for check in checks if check["check"] == "on_finish"] == ["bad"]
    done = hooked.one(*[word for word in RUN if word != "--agent"])
    assert done.err.count(b"one-trace: the program ") == 1


def test_it_is_not_waited_for_without_a_timeout(hooked):
    hooked.hook("cat > line.part; mv line.part line; sleep 1000 & echo $! > pid", seconds=0)
    assert hooked.one(*RUN).saved["status"] == "error"


def test_neither_environment_nor_project_can_name_a_program(hooked):
    hooked.hook("touch told")
    other = hooked.script(hooked.root / "other", "#!/bin/sh\ntouch pwned\n")
    done = hooked.one(*RUN, env={"ONE_TRACES_ON_FINISH": str(other)})
    assert [note["event"] for note in done.notes] == ["trace:trouble", "trace:saved"]
    assert (hooked.project / "told").exists()
    hooked.write(hooked.project / ".one/traces.toml", f'[traces]\non_finish = "{other}"\n')
    assert hooked.one(*RUN).notes[0]["code"] == "settings"
    assert not (hooked.project / "pwned").exists()
