"""TAB in real shells: what a project names its flows is one quoted word there, and never expanded or run."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from machine import Machine
from shells import Shell, project_with

from tests.effort import effort

NAMES = (
    "plain",
    "my flow",
    "$(touch pwned)",
    "`touch pwned`",
    "a;touch pwned",
    "a&touch pwned",
    "a|touch pwned",
    "<a>",
    "${IFS}$HOME",
    "both\"'quotes",
    "back\\slash\\",
    "!!",
    "wow!",
    "*",
    "[a]?",
    "{a,b}",
    "#no",
    "^a^b",
    "=ls",
    "a:b",
    "group@x=y:z w",
    "héllo 日本語 😀",
)
"""Each the key of the only flow of a project."""


def names_in(folder):
    return [path.name for path in folder.iterdir()]


@pytest.fixture
def shell(machine, request):
    started = Shell(machine, request.param)
    yield started
    started.close()


WITH_SHELL = pytest.mark.parametrize("shell", ["bash", "zsh", "fish"], indirect=True)


@WITH_SHELL
@pytest.mark.parametrize("part", range(2))
def test_tab_inserts_one_quoted_word_and_nothing_is_expanded(shell, machine, part):
    for number, name in enumerate(NAMES[part::2]):
        project = project_with(machine.root / f"p{number}", name)
        shell.type(f"cd {project}\r")
        shell.wait_for("READY> ")
        quotes = effort(["", "'", "", '"'][number % 4 : number % 4 + 1], ["'", '"'])
        for typed in dict.fromkeys(["", *quotes]):
            assert shell.argv(f"one flow execute {typed}\t") == ["flow", "execute", name], (name, typed)
        assert names_in(project) == [".one"], name


@WITH_SHELL
def test_what_is_typed_already_is_kept(shell, machine):
    project_with(machine.project, "my flow", "pre:fix y", "pre:fix z", "a=b$c")
    for typed, key in (
        ("my\t", "my flow"),
        ("my\\ f\t", "my flow"),
        ('"my f\t', "my flow"),
        ("'my f\t", "my flow"),
        ("pre:fix\\ y\t", "pre:fix y"),
        ("'pre:fix z\t", "pre:fix z"),
        ("a=\t", "a=b$c"),
    ):
        assert shell.argv(f"one flow execute {typed}") == ["flow", "execute", key], typed


@pytest.mark.parametrize("shell", ["bash"], indirect=True)
def test_several_names_are_never_cut_within_a_quoted_character(shell, machine):
    project_with(machine.project, "ab c", "ab$(touch pwned)", "q!a", "q!b", "x y one", "x y two")
    for typed, key in (
        ("a\t\\ \t", "ab c"),
        ("a\t\\$\t", "ab$(touch pwned)"),
        ("q\ta\t", "q!a"),
        ('"q\tb\t', "q!b"),
        ("x\\ \to\t", "x y one"),
    ):
        assert shell.argv(f"one flow execute {typed}") == ["flow", "execute", key], typed
    assert names_in(machine.project) == [".one"]


def offered(machine, *words):
    machine.env["_ONE_TRACE_COMPLETE"] = "1"
    done = machine.one(*words)
    assert (done.code, done.err) == (0, b""), done
    return [line.partition("\t")[0] for line in done.out.decode().splitlines()]


def test_names_that_nobody_can_see_or_that_are_options_are_left_out(machine):
    names = ["seen", "a\nb", "a\tb", "a\x1b[2Jb", "a\u202eb", "a\x7fb", "a\x85b", "-rf", "--allow-bash"]
    project_with(machine.project, *names)
    (machine.project / ".one/flows" / os.fsdecode(b"a\xffb")).mkdir()
    (machine.project / ".one/flows" / os.fsdecode(b"a\xffb") / "flow.json").write_text("{}")
    assert offered(machine, "flow", "execute", "") == ["seen"]
    assert offered(machine, "flow", "execute", "--", "") == ["--allow-bash", "-rf", "seen"]


def test_only_plain_files_are_flows_and_loops_of_links_end(machine):
    flows = project_with(machine.project, "seen") / ".one/flows"
    (flows / "fifo").mkdir()
    os.mkfifo(flows / "fifo/flow.json")
    os.mkfifo(flows / "single.flow.json")
    (flows / "loop").symlink_to(flows)
    (flows / "self").symlink_to("self")
    (flows / "nowhere").symlink_to("/nowhere")
    assert offered(machine, "flow", "execute", "s") == ["seen"]


BROKEN = (
    "a store that is none",
    "a store that is a folder",
    "a store that is a pipe",
    "bad settings",
    "no home",
)


@pytest.mark.parametrize("what", BROKEN)
def test_where_something_is_broken_there_is_nothing_to_offer(machine, what):
    store = machine.data / "traces.db"
    if what == "a store that is none":
        store.write_bytes(b"not a database" * 1000)
    elif what == "a store that is a folder":
        store.mkdir()
    elif what == "a store that is a pipe":
        os.mkfifo(store)
    elif what == "bad settings":
        machine.write(machine.user_file, "[traces\n\xff")
    else:
        machine.env["HOME"] = "/nowhere"
        del machine.env["ONE_TRACES_DATA_DIR"]
    for words in (["trace", "show", ""], ["trace", "stats", ""], ["trace", "diff", "a", ""]):
        assert set(offered(machine, *words)) <= {"last", "running"}


STEPS = ("my step", "$(touch pwned)", "a;touch pwned", "both\"'quotes", "!!", "{a,b}", "a:b=c", "héllo 😀")
"""Each the only step of a flow."""


def trace_flow(machine, key, *steps):
    """Trace a run of a flow with these steps, as a host leaves it; its id."""
    flow = {"key": key, "name": key, "version": "1", "inputs": {}}
    flow["steps"] = [
        {"id": step, "name": step, "type": "transform", "transform": {"expression": "1"}} for step in steps
    ]
    machine.write(machine.project / ".one/flows" / key / "flow.json", json.dumps(flow))
    env = {"ONE_TRACE_HOST": "built-in"}
    return machine.one("--agent", "flow", "execute", key, "--trace", env=env).saved["runId"]


def import_flow(machine, run_id, key):
    """Import a copy of a run as one of a flow with a key that the host would not run."""
    document = machine.one("--agent", "trace", "export", run_id, "--format", "json").document
    document["run"] |= {"runId": "copy", "flowKey": key, "traceId": "0" * 31 + "1"}
    machine.write(machine.root / "copy.json", json.dumps(document))
    done = machine.one("--agent", "trace", "import", str(machine.root / "copy.json"))
    assert done.code == 0, done


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    """Data of a machine with a run of each of `STEPS`, and one of a flow of an odd name; the runs' ids."""
    root = tmp_path_factory.mktemp("traced") / "machine"
    root.mkdir()
    machine = Machine(root).with_node()
    run_ids = [trace_flow(machine, f"f{number}", step) for number, step in enumerate(STEPS)]
    import_flow(machine, run_ids[0], "x $(touch pwned) 'y")
    return machine.data, run_ids


@WITH_SHELL
def test_flows_and_steps_of_the_store_are_data_too(machine, shell, traced):
    data, run_ids = traced
    shutil.copytree(data, machine.data, dirs_exist_ok=True)
    for run_id, step in zip(run_ids, STEPS, strict=True):
        line = f"one trace show {run_id} --step "
        assert shell.words(f"{line}\t") == ["one", "trace", "show", run_id, "--step", step]
    assert shell.words("one trace list --flow x\t")[-1] == "x $(touch pwned) 'y"
    assert shell.words(f"one trace show {run_ids[3][:6]}\t")[-1] == run_ids[3]
    assert "pwned" not in names_in(machine.project)


DESCRIBED = {
    "one trace s": "One run as a tree",
    "one trace list --since ": "7 days ago",
    "one trace list --status ": "a step failed",
}


@pytest.mark.parametrize("shell", ["zsh", "fish"], indirect=True)
@pytest.mark.parametrize("typed", DESCRIBED)
def test_zsh_and_fish_show_descriptions(shell, typed):
    shell.type(f"{typed}\t")
    shell.wait_for(DESCRIBED[typed])


def test_ids_are_found_by_any_prefix_the_newest_first(machine):
    machine.with_node()
    ids = [trace_flow(machine, "f", "s") for _ in range(3)]
    assert [id for id in offered(machine, "trace", "show", "") if id in ids] == ids[::-1]
    machine.env["_ONE_TRACE_COMPLETE"] = f"1{ids[0][:5]}"
    assert machine.one("trace", "show", "").out.decode().partition("\t")[0] == ids[0]


def test_steps_are_those_of_the_run_in_the_line(machine):
    machine.with_node()
    first, _ = trace_flow(machine, "f", "a", "b"), trace_flow(machine, "g", "c")
    assert offered(machine, "trace", "show", first, "--step", "") == ["a", "b"]
    assert offered(machine, "trace", "show", "--step", "") == ["c"]
    assert offered(machine, "trace", "show", "no such run", "--step", "") == []
