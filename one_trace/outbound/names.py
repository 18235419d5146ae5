"""Names, ids and paths as they may leave: masked, and short enough for a line."""

from __future__ import annotations

import re
from collections.abc import Callable

from one_trace.model.trace import Trace

Redact = Callable[[str], str]
"""Takes the secrets out of an error text."""

_MARKS = r"((?:#\d+)?(?:\[\d+\])?)(?: > |\Z)"
"""Attempt and iteration after a step id in a path."""
_ODD_ID = re.compile(r".* > |.*(?:#\d+|\[\d+\])\Z", re.DOTALL)
"""An id that a path does not show as one: it has what parts steps, or ends like an attempt or iteration."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_NAME_CHARACTERS = 200


def as_it_is(text: str) -> str:
    """The mask that replaces nothing."""
    return text


def path_mask(trace: Trace, mask: Redact) -> Redact:
    """Masks the step ids in a path of this trace as they are masked elsewhere."""
    if mask is as_it_is:
        return mask
    ids = {trace.run.flow_key, *(span.step_id for span in trace.spans)}
    odd = sorted(filter(_ODD_ID.match, ids), key=len, reverse=True)
    segment = re.compile(f"({'|'.join([*map(re.escape, odd), '.*?'])}){_MARKS}", re.DOTALL)

    def masked(path: str) -> str:
        parts, at = [], 0
        while at < len(path) and (found := segment.match(path, at)):
            parts.append(f"{mask(found[1])}{found[2]}")
            at = found.end()
        return " > ".join(parts)

    return masked


def static_path(path: str, mask: Redact) -> str:
    """A path without attempts and iterations, masked where the ids in it are not known: each may have what
    parts steps."""
    if mask is as_it_is:
        return path
    whole, parts = mask(path), " > ".join(map(mask, path.split(" > ")))
    return parts if parts != path else whole


def one_line(text: str) -> str:
    """A name without control characters and line breaks, of at most 200 characters."""
    plain = text if text.isprintable() else _CONTROL.sub(" ", text)
    return plain if len(plain) <= _NAME_CHARACTERS else plain[: _NAME_CHARACTERS - 1] + "…"
