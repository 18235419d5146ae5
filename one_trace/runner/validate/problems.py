"""What the checks share: a problem, and the interface to JavaScript's own parser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypedDict

from one_trace.engine.javascript import entries
from one_trace.engine.schema import Json


class ValidationProblem(TypedDict):
    """Where something is wrong, as a path like ``steps[0].code.source``, and what."""

    path: str
    message: str


class SyntaxCheck(Protocol):
    """Why JavaScript cannot be parsed; None if it can."""

    def source(self, text: str) -> str | None:
        """`text` as the body of an async function."""

    def file(self, path: str) -> str | None:
        """The module at `path`."""


def problem(path: str, message: str) -> ValidationProblem:
    return {"path": path, "message": message}


def texts_in(value: Json, path: str) -> Iterator[tuple[str, str]]:
    """Each text in a value, with its path."""
    if isinstance(value, str):
        yield value, path
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from texts_in(inner, f"{path}[{i}]")
    elif isinstance(value, dict):
        for key, inner in entries(value):
            yield from texts_in(inner, f"{path}.{key}")
