"""What a server answered, and the one reader of its JSON."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What foreign JSON raises: not JSON, of another shape, not UTF-8, nested without end."""

T = TypeVar("T")


class ServerProblem(Struct):
    """What is wrong, in the service's own words. `details` may be of any shape."""

    message: str = ""
    details: Any = None


class Refusal(Struct):
    error: ServerProblem | None = None


class Answer(Struct):
    """An answer of any status. `headers` have lower-case names."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self, kind: type[T]) -> T | None:
        """The body as a `kind`; None if it is not one."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except _UNREADABLE:
            return None

    @property
    def problem(self) -> ServerProblem | None:
        """The error in a body like ``{"error": {"message": "..."}}``."""
        refusal = self.json(Refusal)
        return refusal.error if refusal else None
