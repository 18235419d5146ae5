"""The layout of the package: which files stand where, how long they are, and that none import each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.sources import PACKAGE, ROOT, nodes_of, text_of

TOP = {"__init__.py", "__main__.py", "errors.py", "main.py"}
MOST_LINES = 400
MOST_FIELDS = 15


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in PACKAGE.rglob("*.py")}
ROOMS = sorted(path.parent for path in PACKAGE.glob("*/__init__.py"))


def imported(path: Path) -> set[str]:
    """The modules of the package that a file imports anywhere, also for type checking only."""
    found: set[str] = set()
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in whole}
    return found & set(MODULES) - {name_of(path)}


def mutable_fields(node: ast.ClassDef) -> set[str]:
    """The attributes that a class's methods set on ``self``."""
    return {
        target.attr
        for target in ast.walk(node)
        if isinstance(target, ast.Attribute)
        and isinstance(target.ctx, ast.Store)
        and isinstance(target.value, ast.Name)
        and target.value.id == "self"
    }


def test_only_the_entry_points_and_the_errors_stand_at_the_top() -> None:
    assert {path.name for path in PACKAGE.glob("*.py")} == TOP


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = {name: imported(path) for name, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_each_room_says_what_it_is_for() -> None:
    silent = [room.name for room in ROOMS if not ast.get_docstring(next(nodes_of(room / "__init__.py")))]
    assert silent == []


def long_parts(path: Path) -> Iterator[str]:
    """What a file has too much of to be read alone."""
    if (lines := text_of(path).count("\n")) > MOST_LINES:
        yield f"{lines} lines"
    for node in nodes_of(path):
        if isinstance(node, ast.ClassDef) and (fields := len(mutable_fields(node))) > MOST_FIELDS:
            yield f"{node.name} has {fields} mutable fields"


def test_a_module_reads_alone() -> None:
    assert [f"{name}: {part}" for name, path in MODULES.items() for part in long_parts(path)] == []
