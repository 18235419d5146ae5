"""What the checks share: a problem, and the interface to JavaScript's own parser."""

from __future__ import annotations

from typing import Protocol, TypedDict


class Problem(TypedDict):
    """Where something is wrong, as a path like ``steps[0].code.source``, and what."""

    path: str
    message: str


class SyntaxCheck(Protocol):
    """Why JavaScript cannot be parsed; None if it can."""

    def source(self, text: str) -> str | None:
        """`text` as the body of an async function."""

    def file(self, path: str) -> str | None:
        """The module at `path`."""


def problem(path: str, message: str) -> Problem:
    return {"path": path, "message": message}
