"""Completions: the scripts are those that the commands generate, and a shell gets what it needs of them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from one_trace.cli import completions

FOLDER = Path(__file__).resolve().parents[2] / "completions"
FILES = {"bash": "one.bash", "zsh": "_one", "fish": "one.fish"}


@pytest.mark.parametrize("shell", FILES)
def test_the_scripts_are_current(shell):
    again = f"python -m one_trace.cli.completions {shell} > completions/{FILES[shell]}"
    assert (FOLDER / FILES[shell]).read_text() == completions.script(shell), f"generate it again: {again}"


@pytest.mark.parametrize("shell", FILES)
def test_the_program_prints_them(machine, shell):
    done = machine.one("trace", "completion", shell)
    assert (done.code, done.out.decode(), done.err) == (0, (FOLDER / FILES[shell]).read_text(), b"")


@pytest.mark.parametrize("shell", FILES)
@pytest.mark.program
def test_the_shell_can_read_them(shell):
    if not shutil.which(shell):
        pytest.skip(f"needs {shell}")
    assert subprocess.run([shell, "-n", FOLDER / FILES[shell]], check=False).returncode == 0


ASKED = [
    (["trace", "sh"], ["show", "share"]),
    (["co"], ["config"]),
    (["trace", "show", ""], ["last", "running"]),
    (["trace", "show", "la"], ["last"]),
    (["trace", "list", "--since", ""], ["1h", "6h", "24h", "7d", "30d", "90d"]),
    (["config", "get", "traces.v"], ["traces.visibility"]),
    (["--agent", "config", "set", "traces.visibility", ""], ["private", "direct", "public"]),
    (["flow", "execute", "-i", "a=1", ""], ["first", "group/second", "third"]),
    (["trace", "list", "--status", "e"], ["error"]),
]


@pytest.mark.parametrize(("words", "answer"), ASKED)
def test_what_may_follow(machine, words, answer):
    for path in ("first/flow.json", "group/second/flow.json", "third.flow.json"):
        machine.write(machine.project / ".one/flows" / path, "{}")
    machine.env["_ONE_TRACE_COMPLETE"] = "1"
    done = machine.one(*words)
    assert (done.code, done.err) == (0, b"")
    words = [line.partition("\t")[0] for line in done.out.decode().splitlines()]
    shown = [word for word in words if not word.startswith("--")]
    assert sorted(shown) == sorted(answer)


def test_runs_are_known(machine):
    machine.player("02-linear-unicode")
    run_id = machine.one("--agent", "flow", "execute", "k", "--trace").saved["runId"]
    machine.env["_ONE_TRACE_COMPLETE"] = "1"
    assert machine.one("trace", "show", run_id[:4]).out.decode().startswith(f"{run_id}\t")
    assert run_id in machine.one("trace", "diff", "last", "").out.decode()


def test_bash_offers_words_and_values(machine):
    bash = shutil.which("bash")
    if not bash:
        pytest.skip("needs bash")
    ask = (
        f'source "{FOLDER}/one.bash"; '
        'ask() { COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; _one_trace one "${!#}"; '
        'echo "${COMPREPLY[*]}"; }; '
        "ask one who; ask one trace ex; "
        'ask one config set traces.visibility ""; ask one trace show --fa; ask one list ""'
    )
    done = subprocess.run([bash, "-c", ask], env=machine.env, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["whoami", "export", "private direct public", "--failed", "", ""]
