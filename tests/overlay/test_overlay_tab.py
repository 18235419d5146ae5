"""TAB in real shells: what a project names its flows is one quoted word there, and never expanded or run."""

from __future__ import annotations

import os

import pytest
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
        quotes = effort([("'", '"')[number % 2]], ["'", '"'])
        for typed in ["", *quotes]:
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
    return done.out.decode().splitlines()


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
        assert set(offered(machine, *words)) <= {"last"}
