"""Forks that stand for the program answer as the program does."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from machine import OURS, ROOT, Machine

from tests import forks

COMMANDS = (
    ("--agent", "trace", "list"),
    ("trace", "show"),
    ("trace", "export", "--format", "events"),
    ("trace", "show", "no-such-run"),
    ("--agent", "config", "get", "no.such.key"),
    ("trace", "list", "--no-such-option"),
)

ASKED = ("getenv", "getcwd", "cwd", "isatty", "getpid")
HELD = ("environ", "argv")
"""What belongs to one process: functions, and what has parts."""


@pytest.mark.program
def test_a_fork_answers_as_the_program(machine: Machine) -> None:
    machine.player("27-fail")
    machine.one("--agent", "flow", "execute", "k", "--trace")
    for argv in COMMANDS:
        process = machine.start(*argv)
        out, err = process.communicate()
        program = str(machine.ours / "one")
        forked = forks.run([program, *argv], machine.env, machine.project, b"")
        assert forked == (process.returncode, out, err), argv
        assert forks.stand_for(Path(program), OURS, argv, machine.env)


@pytest.mark.parametrize(
    ("argv", "env"),
    [
        (["flow", "execute", "k"], {}),
        (["trace", "doctor"], {}),
        (["trace", "list"], {"PYTHONPATH": "/elsewhere"}),
        (["trace", "list"], {"PYTHONWARNINGS": "error"}),
        (["trace", "list"], {"LC_ALL": "C"}),
        (["trace", "list"], {"TZ": "UTC"}),
    ],
)
def test_what_depends_on_the_start_of_a_process_is_not_forked(tmp_path: Path, argv, env) -> None:
    program = tmp_path / "one"
    program.write_text(OURS)
    assert forks.stand_for(program, OURS, ["trace", "list"], forks.USUAL)
    assert not forks.stand_for(program, OURS, argv, forks.USUAL | env)
    program.write_text("#!/bin/sh")
    assert not forks.stand_for(program, OURS, ["trace", "list"], forks.USUAL)


def test_a_verb_is_started_the_first_time_with_its_options() -> None:
    assert forks.is_first(["trace", "never-seen", "r1", "--since=1d"])
    assert not forks.is_first(["trace", "never-seen", "r2", "--since=2d"])
    assert forks.is_first(["--agent", "trace", "never-seen", "r2", "--since=2d"])


def test_no_module_reads_the_environment_as_it_is_imported() -> None:
    texts = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in ROOT.glob("one_trace/**/*.py")}
    suspects = [name for name, text in texts.items() if any(word in text for word in (*ASKED, *HELD))]
    assert len(suspects) > 20
    assert [name for name in suspects if _reads_at_import(ast.parse(texts[name]))] == []


def _reads_at_import(tree: ast.AST) -> bool:
    """Whether statements outside of functions use a part of what belongs to one process."""
    if isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return False
    if isinstance(tree, ast.If) and ast.unparse(tree.test) == "__name__ == '__main__'":
        return False
    used = tree.value if isinstance(tree, ast.Attribute | ast.Subscript) else None
    if isinstance(tree, ast.Attribute) and tree.attr in ASKED:
        return True
    if isinstance(used, ast.Attribute) and used.attr in HELD:
        return not (isinstance(tree, ast.Attribute) and tree.attr == "setdefault")
    return any(map(_reads_at_import, ast.iter_child_nodes(tree)))
