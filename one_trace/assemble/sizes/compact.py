"""How large: the bytes of compact UTF-8 JSON of what the state holds, measured on the raw text and never
decoded.

The host writes its state with an indent of two spaces, so a value's text is longer than its compact form by
its white space outside of strings alone; inside strings both forms are the same.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from one_trace.record.tolerant import raw_members

_CHUNK = 1 << 18


def compact_bytes(raw: Raw) -> int | None:
    """The length of a JSON value without white space; None where there is none."""
    size = len(raw)
    if not size:
        return None
    if size > _CHUNK:
        text = memoryview(raw)
        return size - _white(text) if text[0] in b"[{" else size
    data = bytes(raw)
    return len(msgspec.json.format(data, indent=-1)) if data[0] in b"[{" else size


def _white(text: memoryview) -> int:
    """The white space outside of strings, counted piece by piece: what is large is neither copied nor taken
    apart, however many values it has."""
    white, at, within = 0, 0, 0
    while at < len(text):
        end = min(at + _CHUNK, len(text))
        while end < len(text) and text[end - 1] == 0x5C:
            end += 1  # no escape is torn
        piece = bytes(text[at:end]).replace(b"\\\\", b"").replace(b'\\"', b"")
        parts = piece.split(b'"')
        outside = b"".join(parts[within::2])
        white += len(outside) - len(outside.translate(None, b" \n\r\t"))
        within ^= (len(parts) - 1) & 1
        at = end
    return white


def member_count(raw: Raw) -> int | None:
    """How many members a JSON object has; None where it is none."""
    members = raw_members(raw)
    return len(members) if members is not None else None
