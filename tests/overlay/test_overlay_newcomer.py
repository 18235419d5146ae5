"""The messages that a newcomer meets first: what to do next is named, and works as it is printed."""

from __future__ import annotations

import os
import pty
import termios
from contextlib import suppress

import pytest

from one_trace.cli import topics


@pytest.mark.parametrize("verb", ["show", "stats", "insights", "cost"])
def test_before_any_run_people_are_shown_a_command_for_people(machine, verb):
    done = machine.one("trace", verb)
    assert b"one flow execute my-flow --trace" in done.out + done.err
    assert b"--agent" not in done.out + done.err


@pytest.mark.parametrize("name", ["settings", "exit-codes"])
def test_no_table_of_a_topic_is_cut_at_80_columns(machine, name):
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    process = machine.start("trace", "help", name, stdout=theirs)
    os.close(theirs)
    page = b""
    with suppress(OSError):  # Linux: the other end is closed
        while chunk := os.read(ours, 65536):
            page += chunk
    os.close(ours)
    assert process.wait(60) == 0
    assert "…".encode() not in page
    rows = [line.split("`")[1] for line in topics.page(name).splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.encode() not in page] == []


def test_a_run_without_steps_has_no_empty_headings(machine):
    machine.player("67a-empty-flow")
    machine.one("flow", "execute", "x", "--trace")
    page = machine.one("trace", "show", "--slow", "3").out
    assert b"no steps to show" in page
    assert b"Critical path" not in page
    assert b"Slowest" not in page


def test_every_topic_says_what_it_answers(machine):
    lines = machine.one("trace", "help").out.decode().splitlines()
    listed = dict(line.split(maxsplit=1) for line in lines if line.startswith("  "))
    assert set(listed) == set(topics.NAMES)
    assert listed["exit-codes"] == "what each exit code means"


def test_fixed_state_files_are_counted(machine):
    state = machine.write(machine.project / ".one/flows/.runs/k-0123456789ab.state.json", "{}")
    state.chmod(0o644)
    for ending in (b"1 closed to others", b"none needed fixing"):
        page = machine.one("trace", "doctor", "--fix", "--offline").out
        assert b"1 state file in .one/flows/.runs, " + ending in page


def test_a_key_outside_of_the_table_is_named(machine):
    machine.write(machine.user_file, 'endpoint = "https://x.example"\n')
    done = machine.one("trace", "list")
    assert b"unknown top-level key 'endpoint'. Settings belong under [traces]: move or remove it." in done.err


def test_a_mistyped_command_without_a_host_is_one_sentence(machine):
    done = machine.one("trce", "show")
    assert (done.code, done.err.decode()) == (
        127,
        "one-trace: there is no command `one trce show` (did you mean `one trace`?), and One CLI, which may "
        "have one, is not on PATH: npm install -g @withone/cli\n",
    )


def test_the_variable_that_names_the_host_is_shown_as_its_source(machine):
    machine.env["ONE_TRACE_HOST"] = "built-in"
    assert machine.one("config", "get", "traces.host").out == b"built-in\n"
    (row,) = [line for line in machine.one("config", "list").out.splitlines() if b"traces.host" in line]
    assert row.split() == [b"traces.host", b"built-in", b"ONE_TRACE_HOST"]
    assert b"host (ONE_TRACE_HOST)" in machine.one("trace", "doctor", "--offline").out


def test_a_mistyped_built_in_is_recognised(machine):
    done = machine.one("flow", "list", env={"ONE_TRACE_HOST": "bulit-in"})
    assert b"Did you mean built-in" in done.err
    assert b"or built-in" in machine.one("config", "set", "traces.host", "bulit-in").err


def test_a_file_that_sets_nothing_is_not_where_the_defaults_come_from(machine):
    machine.write(machine.user_file, "")
    del machine.env["ONE_TRACES_DATA_DIR"]
    page = machine.one("trace", "doctor", "--offline").out.decode()
    assert [line.split(maxsplit=2)[2] for line in page.splitlines() if " settings " in line] == [
        "all defaults"
    ]


@pytest.mark.parametrize("verb", ["show", "stats"])
def test_a_limit_that_would_do_nothing_is_refused(machine, verb):
    done = machine.one("trace", verb, "--limit", "1")
    assert (done.code, done.err) == (2, b"one-trace: --limit is for JSON\nhint: Add --agent.\n")


def test_a_key_of_another_kind_is_saved_with_a_warning(machine):
    done = machine.one("trace", "login", input=b"abc\n")
    assert (done.code, done.err.count(b"\n")) == (0, 1)
    assert b"warning: keys of traces.com begin with trk_" in done.err
    assert machine.one("trace", "login", input=b"trk_abc\n").err == b""


@pytest.mark.parametrize(
    ("argv", "schema"),
    [
        ("trace prune", "one-trace-prune/1"),
        ("trace prune --dry-run", "one-trace-prune/1"),
        ("trace login", "one-trace-login/1"),
        ("trace logout", "one-trace-logout/1"),
        ("config list", "one-trace-settings/1"),
        ("config get traces.sinks", "one-trace-setting/1"),
        ("config set traces.sinks otlp", "one-trace-setting/1"),
        ("config set traces.flush_timeout 2", "one-trace-setting/1"),
        ("config unset traces.sinks", "one-trace-setting/1"),
    ],
)
def test_the_document_of_each_small_command_names_its_schema(machine, argv, schema):
    document = machine.one("--agent", *argv.split(), input=b"trk_abc\n").document  # is valid
    assert document["schema"] == schema
    described = machine.one("--agent", "trace", "schema", schema).document["description"]
    assert described.startswith(f"one --agent {' '.join(argv.split()[:1])} ")
