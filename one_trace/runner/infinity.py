"""JSON of flow files, in which a number such as 1e999 is infinite: Python writes no JSON for it."""

from __future__ import annotations

import json
import re

from one_trace.engine.schema import Json

_INFINITE = re.compile(r'("(?:[^"\\]|\\.)*")|(-?)Infinity')
AS_READ = r"\g<2>1e999"
"""What JSON.parse reads as infinite again."""
AS_WRITTEN = "null"
"""What JSON.stringify writes."""


def dumps(value: Json, infinite: str, *, ascii: bool = True, compact: bool = False) -> str:
    """`infinite`: one of the above."""
    text = json.dumps(value, ensure_ascii=ascii, separators=(",", ":") if compact else None)
    if "Infinity" not in text:
        return text
    return _INFINITE.sub(lambda found: found[1] or found.expand(infinite), text)
