"""Who may write to a terminal: a handful of modules, and all of them clean what they write."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.sources import PACKAGE, nodes_of

ALLOWED = {
    "guard/streams.py": "the one writer of stderr, and of bytes past Python's buffers",
    "main.py": "the word of a probe, which is ours",
    "cli/topic.py": "rich typesets pages of ours into a string",
    "cli/out.py": "the voice of our commands: cleans pages, errors, notes, questions; encodes documents",
    "cli/mcp_server.py": "the messages of the MCP protocol: JSON, encoded by the one encoder",
    "cli/tab.py": "printable names of flows, for a shell that completes them",
    "runner/output.py": "the runner's stdout: One CLI's very JSON lines, cleaned",
    "view/console.py": "rich's console on a terminal, which draws cells that are clean",
    "capture/drawn.py": "writes what an executor prints to its own terminal, as it came",
}
CLICK = {"echo", "secho", "prompt", "confirm", "echo_via_pager", "pause", "getchar"}
STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}


def name_of(node: ast.expr) -> str:
    """``sys.stdout.buffer.write`` of its syntax tree; what is no name is empty."""
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def writes(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Each call that can put text on a terminal."""
    for node in nodes:
        if not isinstance(node, ast.Call):
            continue
        name = name_of(node.func)
        parts = name.split(".")
        first = node.args[0] if node.args else None
        to_terminal = isinstance(first, ast.Constant) and first.value in (1, 2)
        if (
            name in ("print", "input", "getpass.getpass")
            or (parts[0] == "click" and parts[-1] in CLICK)
            or (parts[0] == "sys" and parts[1:2] and parts[1] in STREAMS and parts[-1].startswith("write"))
            or (
                parts[-1] in ("write", "write_all", "fdopen", "dup")
                and parts[0] in ("os", "streams")
                and to_terminal
            )
            or parts[-1] in ("Console", "SizedConsole")
        ):
            yield f"line {node.lineno}: {name}"


def imported_printers(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Imports by which the names above could be called otherwise."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module in ("click", "sys", "rich", "rich.console"):
            for each in node.names:
                if each.name in CLICK | STREAMS | {"print"}:
                    yield f"line {node.lineno}: from {node.module} import {each.name}"


MAKERS = {
    "view/screen.py": "draws the tree of a run on rich's console",
    "cli/sync.py": "draws a bar on rich's console",
}


def found_in(path: Path) -> Iterator[str]:
    """What a module does that only the allowed ones may."""
    name = path.relative_to(PACKAGE).as_posix()
    nodes = list(nodes_of(path))
    for each in [*writes(nodes), *imported_printers(nodes)]:
        if not (name in MAKERS and each.endswith(("Console", "SizedConsole"))):
            yield f"{name}: {each}"


def test_no_other_module_writes_to_a_terminal():
    paths = (p for p in sorted(PACKAGE.rglob("*.py")) if p.relative_to(PACKAGE).as_posix() not in ALLOWED)
    assert [each for path in paths for each in found_in(path)] == [], f"say it through {' or '.join(ALLOWED)}"


@pytest.mark.parametrize("module", [*ALLOWED, *MAKERS])
def test_every_allowed_module_exists(module):
    assert (PACKAGE / module).is_file()


BAD = (
    "print(x)",
    "import sys\nsys.stdout.write(x)",
    "sys.stderr.buffer.write(x)",
    "click.echo(x, err=True)",
    "os.write(2, x)",
    "from click import echo",
    "rich.console.Console().print(x)",
)


@pytest.mark.parametrize("text", BAD)
def test_the_rule_detects(text):
    nodes = list(ast.walk(ast.parse(text)))
    assert [*writes(nodes), *imported_printers(nodes)]
