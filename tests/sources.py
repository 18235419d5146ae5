"""The project's own source files, for tests that look at them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "one_trace"


def text_of(path: Path) -> str:
    return path.read_text("utf-8")


def nodes_of(path: Path) -> Iterator[ast.AST]:
    """All nodes of a file's syntax tree, the module first."""
    return ast.walk(ast.parse(text_of(path)))
