"""How large: the bytes of compact UTF-8 JSON of what the state holds, measured on the raw text and never
decoded.

The host writes its state with an indent of two spaces, so a value's text is longer than its compact form by
its white space outside of strings alone; inside strings both forms are the same.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

_WHOLE = 1 << 20
_parts = msgspec.json.Decoder(list[Raw])
_members = msgspec.json.Decoder(dict[str, Raw])


def compact_bytes(raw: Raw) -> int | None:
    """The length of a JSON value without white space; None where there is none. A large value is measured
    part by part, so that no second copy of it is ever held."""
    text = memoryview(raw)
    if not text.nbytes:
        return None
    if text[0] not in b"[{":
        return len(text)
    if len(text) <= _WHOLE:
        return len(msgspec.json.format(bytes(text), indent=-1))
    if text[0] == 0x5B:
        items = _parts.decode(text)
        return sum(compact_bytes(item) or 0 for item in items) + max(len(items) - 1, 0) + 2
    members = _members.decode(text)
    keys = sum(len(msgspec.json.encode(key)) for key in members)
    return keys + sum(compact_bytes(item) or 0 for item in members.values()) + 2 * len(members) + 1


def member_count(raw: Raw) -> int | None:
    """How many members a JSON object has; None where it is none."""
    try:
        return len(_members.decode(raw))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
