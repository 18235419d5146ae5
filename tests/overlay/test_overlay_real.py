"""The same with the real One CLI, where `ONE_CLI` names its program."""

import json
import shutil
import signal
import time

import pytest

CASES = ["02-linear-unicode", "06-loop-seq", "11-parallel-simple", "25-timeout-fail", "67a-empty-flow"]


def prepare(machine, case):
    """Lay out a recorded case's flows; the arguments it was run with."""
    folder = machine.recordings / case
    shutil.copytree(folder / "flows", machine.project / ".one/flows", dirs_exist_ok=True)
    return json.loads((folder / "case.json").read_text())["invocations"][0]["argv"]


@pytest.mark.parametrize("case", CASES)
def test_a_real_run_is_traced_as_it_truly_was(real_one, case):
    argv = prepare(real_one, case)
    truth = json.loads((real_one.recordings / case / "truth.json").read_text())["runs"][0]
    done = real_one.one(*argv, "--trace")
    shown = real_one.one("--agent", "trace", "show", "--full", done.saved["runId"]).document
    reported = sorted((span["path"], span["status"], span["attempts"]) for span in shown["spans"])
    assert reported == sorted((span["path"], span["status"], span["attempts"]) for span in truth["spans"])
    assert shown["run"]["executor"]["name"] == "one-cli"


@pytest.mark.parametrize(
    "argv", ["", "--help", "flow --help", "flow execute", "flow list", "config path", "nonsense", "--version"]
)
def test_what_is_not_ours_is_the_hosts(real_one, argv):
    prepare(real_one, "02-linear-unicode")
    with_us = real_one.one(*argv.split())
    real_one.env["PATH"] = str(real_one.bin)
    (real_one.ours / "one").unlink()
    (real_one.ours / "one").symlink_to(real_one.bin / "one")
    alone = real_one.one(*argv.split())
    assert (with_us.code, with_us.err) == (alone.code, alone.err)
    assert with_us.out == alone.out or ("--help" in argv and with_us.out.startswith(alone.out))


OPTIONS = [
    [
        "--trace",
        "--agent",
        "flow",
        "execute",
        "opts",
        "--input",
        "a=1",
        "-i",
        'b={"x":1}',
        "--input=c=x=y",
        "-v",
    ],
    ["--agent", "flow", "x", "-i", "a=1", "--trace", "opts"],
    ["--agent", "f", "x", "opts", "-ia=5", "--trace"],
    ["f", "--trace", "x", "opts", "-vi", "a=5", "--agent"],
]


@pytest.mark.parametrize("argv", OPTIONS, ids=" ".join)
def test_our_flag_may_stand_anywhere(real_one, argv):
    prepare(real_one, "82-options")
    done = real_one.one(*argv)
    assert (done.code, len(done.notes)) == (0, 1), done.err
    assert b'"event":"workflow:result"' in done.out


@pytest.mark.parametrize(
    "argv", [["-i", "--trace"], ["--", "--trace"], ["--traces"], ["extra"]], ids=" ".join
)
def test_a_wrong_call_is_as_wrong_as_ever(real_one, argv):
    prepare(real_one, "82-options")
    done = real_one.one("--agent", "flow", "execute", "opts", "-i", "a=1", *argv)
    assert (done.code, done.notes) == (1, [])


def test_a_killed_run_is_traced_and_its_end_is_ours(real_one):
    argv = prepare(real_one, "48-sigkill")
    process = real_one.start(*argv, "--trace")
    while b"step:complete" not in process.stdout.readline():
        time.sleep(0.01)
    process.terminate()
    _, err = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGTERM
    assert b"trace:saved" in err


def test_a_failed_run_that_is_resumed_is_one_run(real_one):
    argv = prepare(real_one, "49-resume-failed")
    failed = real_one.one(*argv, "--trace")
    run_id = failed.saved["runId"]
    invocation = json.loads((real_one.recordings / "49-resume-failed/case.json").read_text())["invocations"][
        1
    ]
    for name, text in invocation.get("prepare", {}).items():
        real_one.write(real_one.project / name, text)
    resumed = real_one.one("--agent", "flow", "resume", run_id, "--trace")
    assert resumed.saved["runId"] == run_id
    assert len(real_one.runs()) == 1
