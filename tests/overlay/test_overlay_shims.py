"""Shims and wrappers that lead back to us are recognised; what a flow starts is not mistaken for one."""

import ctypes
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

RUN = ["--agent", "flow", "execute", "k", "--trace"]
PR_SET_CHILD_SUBREAPER = 36


def _a_shim_that_changes_path(machine, ours):
    """As pyenv's: two programs one after another, the version's own folder first on PATH."""
    machine.script(machine.root / "tool", f'#!/bin/sh\nexport PATH="{ours}:$PATH"\nexec "{ours}/one" "$@"\n')
    return f'#!/bin/sh\nexec "{machine.root}/tool" "$@"\n'


def _a_wrapper_that_waits(machine, ours):
    return f'#!/bin/sh\n"{ours}/one" "$@"\ncode=$?\nexit $code\n'


def _a_wrapper_in_a_pipeline(machine, ours):
    return f'#!/bin/sh\n{{ "{ours}/one" "$@"; echo $? >"{machine.root}/code"; }} | /bin/cat\n'


def _a_wrapper_that_adds_words(machine, ours):
    return f'#!/bin/sh\nexec "{ours}/one" --agent "$@"\n'


def _a_wrapper_in_another_language(machine, ours):
    call = f"subprocess.run([{str(ours / 'one')!r}, *sys.argv[1:]]).returncode"
    return f"#!{sys.executable}\nimport subprocess, sys\nsys.exit({call})\n"


def _a_wrapper_of_a_wrapper(machine, ours):
    machine.script(machine.root / "inner", f'#!/bin/sh\n"{ours}/one" "$@"\n')
    return f'#!/bin/sh\n"{machine.root}/inner" "$@"\n'


def _a_wrapper_with_an_environment_of_its_own(machine, ours):
    return f'#!/bin/sh\nunset ONE_TRACE_VIA ONE_TRACE_TOKEN\nexec "{ours}/one" "$@"\n'


def _a_child_with_an_environment_of_its_own(machine, ours):
    call = f"subprocess.run([{str(ours / 'one')!r}, *sys.argv[1:]], env=env).returncode"
    env = "{name: os.environ[name] for name in {*os.environ} - {'ONE_TRACE_VIA', 'ONE_TRACE_TOKEN'}}"
    return f"#!{sys.executable}\nimport os, subprocess, sys\nenv = {env}\nsys.exit({call})\n"


SHIMS = [
    _a_shim_that_changes_path,
    _a_wrapper_that_waits,
    _a_wrapper_in_a_pipeline,
    _a_wrapper_that_adds_words,
    _a_wrapper_in_another_language,
    _a_wrapper_of_a_wrapper,
    _a_wrapper_with_an_environment_of_its_own,
    _a_child_with_an_environment_of_its_own,
]


@pytest.fixture(params=SHIMS, ids=lambda put: put.__name__.strip("_"))
def shimmed(machine, request):
    """A machine on which a shim stands between us and the host on PATH."""
    machine.script(machine.root / "shims" / "one", request.param(machine, machine.ours))
    machine.env["PATH"] = os.pathsep.join(
        map(str, [machine.ours, machine.root / "shims", machine.bin, "/usr/bin", "/bin"])
    )
    return machine


def test_a_run_behind_a_shim_is_traced(shimmed):
    shimmed.player("02-linear-unicode")
    done = shimmed.one(*RUN)
    assert (done.code, done.saved["spans"]) == (0, 3)
    assert done.out.count(b"workflow:result") == 1


def test_a_verb_behind_a_shim_reaches_the_host(shimmed):
    shimmed.host("import sys\nprint('HOST', *[w for w in sys.argv[1:] if w != '--agent'])")
    assert shimmed.one("actions", "search", "x").out == b"HOST actions search x\n"


def test_doctor_names_the_shim_and_the_host_behind_it(shimmed):
    shimmed.player("02-linear-unicode")
    checks = shimmed.one("--agent", "trace", "doctor", "--offline").document["checks"]
    shim, host = [check for check in checks if check["check"] == "host"]
    assert (shim["state"], host["state"]) == ("note", "ok")
    assert str(shimmed.root / "shims" / "one") in shim["message"]
    assert str(shimmed.bin / "one") in host["message"]


def test_doctor_recognises_a_shim_that_starts_us(shimmed):
    shimmed.player("02-linear-unicode")
    shimmed.env["PATH"] = shimmed.env["PATH"].removeprefix(f"{shimmed.ours}{os.pathsep}")
    shim = shimmed.root / "shims" / "one"
    argv = [shimmed.ours / "one", "--agent", "trace", "doctor", "--offline"]
    reported = json.loads(subprocess.run(argv, env=shimmed.env, capture_output=True, check=False).stdout)
    (path,) = [check for check in reported["checks"] if check["check"] == "path"]
    assert (path["state"], str(shim) in path["message"]) == ("ok", True)


def test_a_shim_ahead_of_us_is_recognised(shimmed):
    shimmed.player("02-linear-unicode")
    shim = shimmed.root / "shims" / "one"
    done = subprocess.run(
        [shim, *RUN], env=shimmed.env, cwd=shimmed.project, capture_output=True, check=False
    )
    assert done.stderr.count(b"trace:saved") == 1
    assert done.stdout.count(b"workflow:result") == 1
    assert len(shimmed.runs()) == 1


def test_a_run_started_by_a_run_behind_a_shim_is_its_child(shimmed):
    inner = "subprocess.run(['one', *'--agent flow execute k --trace'.split()], stdout=2)"
    once = f"import subprocess; up = Path('up'); up.exists() or (up.touch(), {inner})"
    shimmed.player("02-linear-unicode", after=once)
    child, parent = shimmed.one(*RUN).notes
    reported = shimmed.one("--agent", "trace", "show", "--full", child["runId"]).document["run"]
    assert reported["parentRunId"] == parent["runId"]


def test_a_flow_that_starts_itself_runs_on_the_first_host_again(machine):
    """The same words, within the host: but that is no wrapper, even where there is another host."""
    once = "import subprocess; up = Path('up'); up.exists() or (up.touch(), subprocess.run(['one', *RUN]))"
    machine.player("02-linear-unicode", before=f"RUN = {RUN[:-1]}; print('FIRST', flush=True)", after=once)
    other = machine.script(machine.root / "other" / "one", f"#!{sys.executable} -IS\nprint('SECOND')\n")
    machine.env["PATH"] += os.pathsep + str(other.parent)
    for argv in (RUN, RUN[:-1]):
        (machine.project / "up").unlink(missing_ok=True)
        done = machine.one(*argv)
        assert (done.out.count(b"FIRST"), done.out.count(b"SECOND")) == (2, 0)


def test_a_shim_without_a_host_behind_it_ends_in_the_built_in_runner(machine):
    if shutil.which("node") is None:
        pytest.skip("needs node")
    step = {"id": "a", "name": "A", "type": "transform", "transform": {"expression": "1"}}
    flow = {"key": "k", "name": "K", "version": "1", "inputs": {}, "steps": [step]}
    machine.write(machine.project / ".one/flows/k/flow.json", json.dumps(flow))
    machine.script(machine.root / "shims" / "one", _a_shim_that_changes_path(machine, machine.ours))
    machine.env["PATH"] = os.pathsep.join(
        map(str, [machine.ours, machine.root / "shims", Path(shutil.which("node")).parent, "/bin"])
    )
    done = machine.one(*RUN)
    assert (done.code, done.saved["spans"]) == (0, 1)


def test_real_pyenv_is_recognised(machine):
    pyenv = shutil.which("pyenv")
    if pyenv is None:
        pytest.skip("needs pyenv")
    root = machine.root / "pyenv"
    version = root / "versions" / "mine" / "bin"
    machine.script(version / "one", (machine.ours / "one").read_text())
    (root / "shims").mkdir()
    machine.env |= {"PYENV_ROOT": str(root), "PYENV_VERSION": "mine"}
    machine.env["PATH"] = f"{root}/shims:{machine.bin}:{Path(pyenv).parent}:/usr/bin:/bin"
    subprocess.run([pyenv, "rehash"], env=machine.env, check=True, capture_output=True)
    machine.player("02-linear-unicode")
    shim = root / "shims" / "one"
    done = subprocess.run(
        [shim, *RUN], env=machine.env, cwd=machine.project, capture_output=True, check=False
    )
    assert done.stderr.count(b"trace:saved") == 1, done.stderr
    reported = subprocess.run(
        [shim, "--agent", "trace", "doctor", "--offline"], env=machine.env, capture_output=True
    )
    hosts = [check["message"] for check in json.loads(reported.stdout)["checks"] if check["check"] == "host"]
    assert str(shim) in hosts[0]
    assert str(machine.bin / "one") in hosts[1]


def _subreaper():
    """What our process leaves behind becomes its own child, as where it is process 1 of a container."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")
@pytest.mark.parametrize("flag", ["--trace", "--no-trace"])
def test_an_adopted_job_is_not_mistaken_for_the_host(machine, flag):
    job = f"sleep 0.3; one --agent flow execute x {flag} >out 2>&1; touch done"
    orphan = f"os.system('({job}) &')"
    machine.player(
        "02-linear-unicode",
        before="import time; print('HOST', flush=True)",
        after=f"sys.argv[4] == 'k' and ({orphan}, time.sleep(1))",
    )
    machine.env["PATH"] += ":/usr/bin:/bin"
    done = machine.one(*RUN, preexec_fn=_subreaper)
    until = time.monotonic() + 120
    while not (machine.project / "done").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    message = (machine.project / "out").read_bytes()
    assert message.startswith(b"HOST\n")
    assert message.count(b"trace:saved") == (flag == "--trace")
    assert done.saved["spans"] == 3


POLLER = """
import os, subprocess, sys
from pathlib import Path
count = Path("count")
turn = int(count.read_text()) + 1 if count.exists() else 1
if turn < 40:
    count.write_text(str(turn))
    subprocess.Popen(["one", *sys.argv[1:]], start_new_session=True)
else:
    Path("done").touch()
"""


@pytest.mark.parametrize("flags", [[], ["--trace"]], ids=["untraced", "traced"])
def test_a_flow_that_starts_itself_as_it_ends_is_never_refused(machine, flags):
    machine.host(POLLER.replace("*sys.argv[1:]", f"*sys.argv[1:], *{flags}"))
    with (machine.root / "err").open("wb") as err:
        machine.start("flow", "execute", "k", *flags, stderr=err).wait(120)
        until = time.monotonic() + 120
        while not (machine.project / "done").exists():
            assert time.monotonic() < until, (machine.root / "err").read_text()
            time.sleep(0.05)
    assert b"within itself" not in (machine.root / "err").read_bytes()


def test_endlessly_nested_calls_are_refused(machine):
    machine.host("import subprocess, sys\nsys.exit(subprocess.run(['one', *sys.argv[1:]]).returncode)")
    done = machine.one("flow", "execute", "k")
    assert done.code == 127
    assert b"ONE_TRACE_HOST" in done.err
