"""Reads TOML that others may have written. Raises nothing but `OSError` and `ValueError`.

`tomllib` is quadratic in the parts of a dotted key and recurses for every bracket; `tomlkit` takes seconds
for a few thousand keys. So the text is first scanned, in linear time, for what no settings file has.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from one_trace.guard.files import SETTINGS_LIMIT, read_plain

if TYPE_CHECKING:
    from os import PathLike

MOST_DOTS = 3
"""Dots in one key: our tables are one level deep."""
MOST_BRACKETS = 8
"""Nested brackets."""
MOST_LINES = 2000
MOST_KEYS = 500
# An unterminated string matches up to the end, and is then an error of the parser.
_QUOTED = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"{3,5}|\Z)'
    r"|'''.*?(?:'{3,5}|\Z)"
    r'|"(?:\\[^\n]|[^"\\\n])*"?'
    r"|'[^'\n]*'?"
    r"|#[^\n]*",
    re.DOTALL,
)
_BETWEEN = re.compile(r"[=,\[\]{}\n]")


def read_toml(path: str | PathLike[str]) -> dict[str, Any]:
    """The document in the plain file at `path`. Raises OSError (also for more than 64 KiB) and ValueError."""
    return parse_toml(bytes(read_plain(path, SETTINGS_LIMIT)))


def parse_toml(data: bytes) -> dict[str, Any]:
    """The document in `data`. Raises ValueError."""
    import tomllib  # noqa: TID251  the one place

    text = data.decode()
    check_shape(text)
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def check_shape(text: str) -> None:
    """Refuse, in linear time, TOML that is expensive to parse. Raises ValueError."""
    if text.count("\n") >= MOST_LINES:
        raise ValueError(f"more than {MOST_LINES} lines")
    bare = _QUOTED.sub("", text)
    if bare.count("=") > MOST_KEYS:
        raise ValueError(f"more than {MOST_KEYS} keys")
    if any(part.count(".") > MOST_DOTS for part in _BETWEEN.split(bare)):
        raise ValueError(f"a key of more than {MOST_DOTS + 1} parts")
    depth = 0
    for found in _BETWEEN.finditer(bare):
        depth += _STEP.get(found[0], 0)
        if depth > MOST_BRACKETS:
            raise ValueError(f"more than {MOST_BRACKETS} brackets within each other")


_STEP = {"[": 1, "{": 1, "]": -1, "}": -1}
