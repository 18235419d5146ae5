"""What is said to somebody who asks wrongly, or asks what there is."""

import json
import subprocess
from pathlib import Path

import pytest

from one_trace.cli.app import VERBS


def test_a_verb_that_is_not_there_names_the_nearest(machine):
    done = machine.one("trace", "shwo")
    assert (done.code, done.out) == (2, b"")
    assert done.err.decode() == (
        "one-trace: there is no command 'one trace shwo'\nhint: Did you mean 'one trace show'?\n"
    )
    error = machine.one("--agent", "trace", "xyzzy").document["error"]
    assert error["code"] == "wrong-usage"
    assert "--help" in error["hint"]


def test_an_option_that_is_not_there(machine):
    done = machine.one("--agent", "trace", "list", "--stauts", "error")
    assert done.code == 2
    assert "--stauts" in done.document["error"]["message"]


def test_trace_alone_shows_people_what_there_is(machine):
    done = machine.one("trace")
    assert (done.code, done.out) == (2, b"")
    assert done.err.startswith(b"Usage: one trace")
    assert all(verb.encode() in done.err for verb in VERBS)


def test_trace_alone_tells_agents_what_is_missing(machine):
    done = machine.one("--agent", "trace")
    assert done.code == 2
    assert "insights" in done.document["error"]["hint"]


@pytest.mark.parametrize(
    "argv", [["trace", "--help"], *(["trace", verb, "-h"] for verb in VERBS)], ids=" ".join
)
def test_help_is_text_for_people_and_a_document_for_agents(machine, argv):
    text = machine.one(*argv)
    document = machine.one("--agent", *argv)
    assert (text.code, document.code) == (0, 0)
    assert document.document["help"] == text.out.decode()
    assert text.out.startswith(b"Usage: one trace")


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
@pytest.mark.parametrize("agent", [[], ["--agent"]])
def test_a_stdout_that_takes_nothing_is_one_line(machine, agent):
    with FULL.open("wb") as full:
        done = machine.one(*agent, "trace", "list", stdout=full)
    assert done.code == 1
    assert done.err.startswith(b"one-trace: ")
    assert b"Traceback" not in done.err


@pytest.mark.parametrize("verb", ["list", "show"])
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize("agent", ["", "--agent"])
def test_streams_that_the_caller_closed(machine, verb, closed, agent):
    script = f"{machine.ours / 'one'} {agent} trace {verb} {closed}"
    done = subprocess.run(
        ["/bin/sh", "-c", script], env=machine.env, cwd=machine.project, capture_output=True
    )
    assert done.returncode == (3 if verb == "show" else 0)
    assert b"Traceback" not in done.stderr


def test_an_option_value_that_looks_like_help_is_a_value(machine):
    assert machine.one("--agent", "trace", "list", "--flow", "-h").document["total"] == 0


@pytest.mark.parametrize("key", ["enabled", "traces.enabeld"])
def test_an_unknown_key_is_named_as_it_was_written(machine, key):
    error = machine.one("--agent", "config", "set", key, "true").document["error"]
    assert error == {
        "code": "unknown-key",
        "message": f"there is no setting {key}",
        "hint": "Did you mean traces.enabled?",
    }


@pytest.mark.parametrize("argv", [["config"], ["config", "--help"]])
def test_config_without_a_host_says_what_there_is_of_it(machine, argv):
    done = machine.one(*argv)
    assert b"Usage: one config" in done.out + done.err
    assert machine.one("config", "reset").code == 127


@pytest.mark.parametrize("argv", [["config"], ["config", "path", "--help"], ["config", "reset", "--global"]])
def test_config_with_a_host_is_the_hosts(machine, argv):
    machine.host("import json, sys; print(json.dumps(sys.argv[1:]))")
    assert json.loads(machine.one(*argv).out) == argv


def test_a_list_of_nothing_says_whether_there_is_anything_at_all(machine):
    assert machine.one("trace", "list").out.startswith(b"No run has been traced yet.")
    assert machine.one("trace", "list", "--flow", "k").out.startswith(b"No runs match.")


def test_a_host_in_a_folder_of_our_name_is_a_host(machine):
    folder = machine.root / "one_trace_tools"
    machine.script(folder / "one", f"#!/bin/sh\n# lies in {folder}\necho it is me\n")
    machine.env["PATH"] += f":{folder}"
    assert machine.one("whoami").out == b"it is me\n"
