"""The project speaks the field's terms. What was replaced by a standard term stays out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.sources import ROOT, nodes_of, text_of

REPLACED = {
    r"\bmends?\b|\bmended\b": "fix",
    r"\b(?:no|any) (?:file|folder|table|flow|number|key|value|date) (?:to fail on|at all)\b": "plain English",
    r"\bnothing to fail on\b": "no baseline",
    r"\bis no (?:file|folder|table|flow|number|directory|date|age|run|JSON)\b": "is not a ...",
    r"\bworked out\b": "estimated",
    r"\bgiven up\b": "timed out",
    r"\blies over\b|\blie over\b": "wraps",
    r"\bdearer\b": "more expensive",
    r"\bended so\b": "ended with that status",
    r"\bwhat of it\b": "plain English",
    r"\bwhat (?:became|becomes) of\b": "the result of",
    r"\bnobody is to\b|\bis to be\b.{0,20}\bby nobody\b": "plain English",
    r"\bwhat there is of\b": "plain English",
    r"\bas it came out\b": "the result",
    r"\babreast\b": "concurrent",
    r"\bon the way of\b": "on the path of",
    r"\b(?:is|are|was|were) (?:told|looked after)\b": "reported, found, traced",
    r"\b(?:no|none) such thing\b": "plain English",
    r"\bbeside(?:s)? the way\b": "plain English",
    r"\b(?:Courier|Parcel|Retell|Leaving|Trouble|Undelivered|NoHost|Keeper)\b": "DESIGN's names",
}
ANY = re.compile("|".join(f"(?:{pattern})" for pattern in REPLACED))
NAMES = re.compile(
    r"\b_?(?:mend|mends|trouble|troubles|parcel|courier|retell|keeper|ink|abreast|ghost|told|said|dear)\b"
)
"""Identifiers: variables, arguments, functions, classes, attributes."""


def python_files() -> list[Path]:
    return sorted(
        path
        for room in ("one_trace", "tests")
        for path in (ROOT / room).rglob("*.py")
        if path != Path(__file__) and "recordings" not in path.parts and path.name != "score_runner.py"
    )


def pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "one_trace/cli/topics").glob("*.md"))]


def replaced(text: str) -> Iterator[str]:
    """Each replaced term of a page, with its line."""
    for number, line in enumerate(text.split("\n"), 1):
        if ANY.search(line):
            for pattern, better in REPLACED.items():
                for found in re.finditer(pattern, line):
                    yield f"{number}: '{found[0]}': write {better}"


def names(path: Path) -> Iterator[tuple[int, str]]:
    for node in nodes_of(path):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
                yield node.lineno, name


def in_code(path: Path) -> Iterator[str]:
    yield from replaced(text_of(path))
    if NAMES.search(text_of(path)):  # without any, parsing it finds no name
        yield from (f"{line}: name '{name}'" for line, name in names(path) if NAMES.fullmatch(name))


def test_code_uses_the_standard_terms() -> None:
    found = [f"{path.relative_to(ROOT)}:{each}" for path in python_files() for each in in_code(path)]
    assert not found, "\n".join(found)


def test_pages_use_the_standard_terms() -> None:
    """Old names may be quoted."""
    texts = {path.name: re.sub(r"`[^`\n]*`", "", text_of(path)) for path in pages()}
    found = [f"{name}:{each}" for name, text in texts.items() for each in replaced(text)]
    assert not found, "\n".join(found)
