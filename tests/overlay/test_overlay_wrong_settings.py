"""Problems with settings: reported once, refused by commands that act on the key, harmless to all others."""

from __future__ import annotations

import json
import sys

import pytest
from traces_server import KEY

READING = [
    ("trace", "list"),
    ("trace", "show"),
    ("trace", "stats"),
    ("trace", "cost"),
    ("trace", "export", "last"),
    ("trace", "export", "last", "--format", "events"),
    ("config", "get", "traces.enabled"),
]
WRONG = {
    "an unknown key": "[traces]\ntelepathy = true\n",
    "many unknown keys": "[traces]\n" + "".join(f"new_{n} = {n}\n" for n in range(300)),
    "another table": "[tracing]\nenabled = true\n",
    "a wrong value": '[traces]\nsinks = ["elsewhere"]\n',
    "no TOML": "[traces",
    "an integer that no float can hold": f"[traces]\nflush_timeout = 1{'0' * 400}\n",
    "an integer that no text can hold": f"[traces]\nretention = 0x{'f' * 5000}\n",
}


@pytest.fixture
def traced(machine):
    machine.player("02-linear-unicode")
    machine.one("--agent", "flow", "execute", "k", "--trace")
    return machine


def notes(done):
    return [line for line in done.err.splitlines() if line.startswith(b'{"event":"trace:settings"')]


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_a_reading_command_answers_and_reports_it_once(traced, text):
    traced.write(traced.user_file, text)
    for argv in READING:
        done = traced.one("--agent", *argv)
        assert done.code == 0, argv
        assert len(notes(done)) == 1, argv
        assert len(notes(done)[0]) < 1500
        json.loads(done.out.splitlines()[0])
    assert traced.one("trace", "list").err.count(b"one-trace: ") == 1


def test_an_unknown_key_stops_nothing(traced, traces_server):
    traced.deliver_to(traces_server)
    traced.env["ONE_TRACES_TELEPATHY"] = "1"
    traced.write(traced.user_file, "[traces]\ntelepathy = true\n")
    done = traced.one("flow", "execute", "k", "--trace")
    assert done.code == 0
    assert len(traces_server.traces) == 1
    assert traced.one("--agent", "trace", "sync").code == 0
    assert traced.one("--agent", "trace", "prune").code == 0


@pytest.mark.parametrize(
    "text",
    [
        '[traces]\nsinks = ["elsewhere"]\n',
        "[traces]\nnamespace = 5\n",
        "[traces",
        '[traces]\nupload = "manuel"\n',
    ],
)
def test_a_run_whose_delivery_is_in_doubt_is_kept_and_not_sent(traced, traces_server, text):
    traced.env |= {"TRACES_API_KEY": KEY, "ONE_TRACES_ENDPOINT": traces_server.url}
    traced.write(traced.user_file, text)
    done = traced.one("--agent", "flow", "execute", "k", "--trace")
    problem, saved = done.notes
    assert (done.code, problem["event"], saved["uploads"]) == (0, "trace:trouble", [])
    assert traces_server.seen == []
    if "upload" not in text:  # who calls sync wants it sent
        refused = traced.one("--agent", "trace", "sync")
        assert (refused.code, refused.document["error"]["code"]) == (2, "settings")
        assert traces_server.seen == []
    traced.user_file.unlink()
    assert traced.one("--agent", "trace", "sync").document["sent"] == 1


@pytest.mark.parametrize(
    "text", ["[traces]\nendpoint = 'https://evil.example'\nnamespace = '@me'\n", "[traces"]
)
def test_a_run_is_not_sent_while_its_own_projects_file_cannot_be_used(traced, traces_server, text):
    traced.env |= {"TRACES_API_KEY": KEY, "ONE_TRACES_ENDPOINT": traces_server.url}
    path = traced.write(traced.project / ".one" / "traces.toml", text)
    assert traced.one("--agent", "flow", "execute", "k", "--trace").code == 0
    elsewhere = traced.root / "elsewhere"
    elsewhere.mkdir()
    left = traced.one("--agent", "trace", "sync", cwd=elsewhere)
    assert (left.code, left.document["sent"], left.document["queued"]) == (1, 0, 1)
    assert "traces.toml" in left.document["error"]["message"]
    assert traces_server.seen == []
    path.unlink()
    assert traced.one("--agent", "trace", "sync", cwd=elsewhere).document["sent"] == 1


@pytest.mark.parametrize(
    ("text", "argv"),
    [
        ("[traces]\nretention = 'forver'\n", ("trace", "prune")),
        ("[traces]\ndata_dir = 'rel'\n", ("trace", "prune", "--older-than", "90d")),
        ("[traces]\ndata_dir = 'rel'\n", ("trace", "import")),
        ("[traces]\nerrors = 'all'\n", ("trace", "sync")),
        ("[traces]\nvisibility = 'all'\n", ("trace", "share", "last")),
    ],
)
def test_a_command_that_acts_on_a_key_refuses_its_wrong_value(traced, text, argv):
    traced.write(traced.user_file, text)
    del traced.env["ONE_TRACES_DATA_DIR"]
    done = traced.one("--agent", *argv)
    assert (done.code, done.document["error"]["code"]) == (2, "settings")


def test_no_runs_are_pruned_while_the_retention_is_in_doubt(traced):
    traced.write(traced.user_file, "[traces]\nretention = 'forver'\n")
    (traced.data / "pruned").unlink(missing_ok=True)
    done = traced.one("flow", "execute", "k", "--trace")
    assert done.code == 0
    assert not (traced.data / "pruned").exists()


def test_a_huge_number_in_a_project_stops_neither_its_runs_nor_a_command(traced):
    traced.write(traced.project / ".one" / "traces.toml", WRONG["an integer that no float can hold"])
    done = traced.one("--agent", "flow", "execute", "k", "--trace")
    assert done.code == 0
    assert [note["event"] for note in done.notes] == ["trace:trouble", "trace:saved"]
    assert traced.one("--agent", "trace", "doctor").document["checks"]


def test_a_problem_is_reported_with_the_trace_when_the_host_has_ended(machine):
    slow = "import time; time.sleep(0.5)"
    machine.player("02-linear-unicode", after=f"{slow}; print('HOST', file=sys.stderr, flush=True)")
    machine.write(machine.user_file, "[traces]\ntelepathy = true\n")
    lines = machine.one("flow", "execute", "k", "--trace").err.decode().splitlines()
    assert [line.split()[0] for line in lines] == ["HOST", "one-trace:", "traced"]


@pytest.mark.skipif(sys.platform != "linux", reason="a folder in which nobody can make one")
def test_an_unwritable_settings_file_is_not_wrong_usage(machine):
    machine.env["XDG_CONFIG_HOME"] = "/proc/nowhere"
    done = machine.one("--agent", "config", "set", "traces.live", "true")
    assert (done.code, done.document["error"]["code"]) == (1, "os-error")
