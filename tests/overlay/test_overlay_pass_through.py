"""Foreign verbs: the host runs as if one-trace were not there."""

import json
import os
import pty
import signal
import subprocess
import sys

import pytest

REPORT = """
import json, os, sys
print(json.dumps({"argv": sys.argv[1:], "env": dict(os.environ), "in": sys.stdin.buffer.read().hex(),
                  "pid": os.getpid(), "cwd": os.getcwd()}))
sys.stderr.write("to stderr")
sys.exit(23)
"""

FOREIGN = [
    [],
    ["list"],
    ["actions", "search", "x y", "", "-t", "*"],
    ["--agent", "flow", "list", "--trace"],
    ["flow", "validate", "k"],
    ["flow", "runs"],
    ["flow", "execute", "k", "-i", "a=ü\u2028", "--no-trace"],
    ["flow", "execute", "k", "--", "--trace"],
    ["config"],
    ["config", "path"],
    ["config", "skills", "sync"],
    ["mem", "config", "set", "a", "b"],
    ["--version"],
    ["-V"],
    ["help", "flow"],
    ["trace"[:4]],
    ["--", "trace"],
]


@pytest.mark.parametrize("argv", FOREIGN, ids=" ".join)
def test_the_host_gets_everything_untouched(machine, argv):
    machine.host(REPORT)
    process = machine.start(*argv, stdin=subprocess.PIPE)
    out, err = process.communicate(b"\x00in\xff")
    reported = json.loads(out)
    assert reported["argv"] == [word for word in argv if word != "--no-trace"]
    assert reported["in"] == b"\x00in\xff".hex()
    assert reported["pid"] == process.pid, "the host takes our place, it is no child"
    assert reported["cwd"] == str(machine.project)
    assert (err, process.returncode) == (b"to stderr", 23)
    assert {k: v for k, v in reported["env"].items() if k != "ONE_TRACE_VIA"} == machine.env


def test_the_environment_is_not_widened_by_python(machine):
    machine.shell_host("/usr/bin/env")
    del machine.env["LANG"]
    assert b"LC_CTYPE" not in machine.one("list").out


def test_what_python_ignores_is_not_ignored_in_the_host(machine):
    machine.shell_host("kill -PIPE $$; echo alive")
    assert machine.one("list").code == -signal.SIGPIPE


def test_a_signal_ends_the_host(machine):
    machine.host("import time\nprint('up', flush=True)\ntime.sleep(60)")
    process = machine.start("list")
    process.stdout.readline()
    process.terminate()
    assert process.wait(10) == -signal.SIGTERM


def test_the_terminal_is_the_hosts(machine):
    machine.host("import os\nprint(os.isatty(0), os.isatty(1), os.isatty(2), os.ttyname(0))")
    ours, theirs = pty.openpty()
    process = machine.start("list", stdin=theirs, stdout=theirs, stderr=theirs)
    assert process.wait(20) == 0
    assert os.read(ours, 1000).decode().split() == ["True", "True", "True", os.ttyname(theirs)]
    os.close(ours)
    os.close(theirs)


HEAVY = {
    "click",
    "httpx",
    "rich",
    "pydantic",
    "msgspec",
    "re",
    "json",
    "typing",
    "pathlib",
    "enum",
    "tomllib",
}


@pytest.mark.parametrize("argv", [["list"], ["flow", "execute", "k"], ["flow", "execute", "k", "--no-trace"]])
def test_foreign_verbs_import_nothing_heavy(machine, argv):
    machine.host("print('host')")
    code = "import sys\nsys.stdout.isatty()\nfrom one_trace.main import main\nimport os\n" + (
        "os.execve = lambda *a: print(sorted(sys.modules)) or sys.exit(0)\nmain()"
    )
    env = machine.env | {"PATH": str(machine.bin)}
    del env["ONE_TRACES_DATA_DIR"]
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, *argv],
        env=env,
        cwd=machine.project,
        capture_output=True,
        check=True,
    )
    assert HEAVY & set(eval(done.stdout)) == set()


def test_without_a_host_one_line_says_how_to_install_it(machine):
    done = machine.one("actions", "search", "x")
    assert done.code == 127
    assert done.out == b""
    assert done.err.count(b"\n") == 1
    assert b"npm install -g @withone/cli" in done.err


def test_without_a_host_an_agent_reads_a_document(machine):
    done = machine.one("--agent", "list")
    assert done.code == 127
    assert "npm install -g @withone/cli" in done.document["error"]["message"]


@pytest.mark.parametrize("argv", [["--help"], ["-h"], ["help"]])
def test_help_is_the_hosts_with_ours_below(machine, argv):
    machine.host("import sys\nprint('HOST HELP', sys.argv[1:])")
    done = machine.one(*argv)
    assert done.out.startswith(f"HOST HELP {argv}\n".encode())
    assert b"one trace show" in done.out
    assert done.code == 0


def test_help_of_a_host_that_fails_is_left_alone(machine):
    machine.host("import sys\nsys.exit(3)")
    done = machine.one("--help")
    assert (done.code, done.out) == (3, b"")


@pytest.mark.parametrize("argv", [["--help"], []])
def test_help_without_a_host_is_ours_alone(machine, argv):
    done = machine.one(*argv)
    assert done.code == 0
    assert b"npm install -g @withone/cli" in done.out
    assert b"one trace show" in done.out


def test_version_without_a_host_is_ours(machine):
    assert machine.one("--version").out.startswith(b"one-trace ")


def test_one_trace_and_the_module_are_the_same_program(machine):
    machine.host(REPORT)
    assert json.loads(machine.one("list", program="one-trace").out)["argv"] == ["list"]
    module = [sys.executable, "-m", "one_trace", "list"]
    done = subprocess.run(module, env=machine.env, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert json.loads(done.stdout)["argv"] == ["list"]
