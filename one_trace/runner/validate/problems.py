"""What the checks share: how they say what is wrong, and how they find the steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, TypedDict

from one_trace.runner.schema import NESTED


class Problem(TypedDict):
    """Where, and what."""

    path: str
    message: str


class SyntaxCheck(Protocol):
    """Asks JavaScript itself."""

    def source(self, text: str) -> str | None:
        """Why `text` is no body of an async function, or None."""

    def file(self, path: str) -> str | None:
        """Why the module at `path` cannot be parsed, or None."""


def problem(path: str, message: str) -> Problem:
    return {"path": path, "message": message}


def lists_in(step: dict[str, Any], path: str) -> Iterator[tuple[list[Any], str]]:
    """The lists of steps inside a step, each with its path."""
    for key, field in NESTED:
        config = step.get(key)
        if isinstance(config, dict) and isinstance(config.get(field), list):
            yield config[field], f"{path}.{key}.{field}"


def every(steps: list[Any], path: str = "steps") -> Iterator[tuple[dict[str, Any], str]]:
    """Every step with its path, parents first."""
    for i, step in enumerate(steps):
        where = f"{path}[{i}]"
        yield step, where
        for inner, inner_path in lists_in(step, where):
            yield from every(inner, inner_path)
