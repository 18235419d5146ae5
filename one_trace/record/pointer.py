"""The value at a JSON pointer (RFC 6901)."""

from __future__ import annotations

from typing import Any


def value_at(document: Any, pointer: str) -> Any:  # noqa: ANN401  whatever JSON holds
    """None where there is none."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        try:
            document = document[int(name)] if isinstance(document, list) else document[name]
        except (LookupError, TypeError, ValueError):
            return None
    return document
