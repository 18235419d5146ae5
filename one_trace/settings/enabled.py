"""Whether runs are traced, where that is plain to see: the host waits for this, and not for a TOML parser."""

from __future__ import annotations

import os

from one_trace.guard.files import SETTINGS_LIMIT, read_plain
from one_trace.settings.paths import ENV_PREFIX, project_file, user_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_LINES = 100
_WORDS = {"true": True, "false": False}


def enabled(env: Mapping[str, str]) -> bool | None:
    """The value of `traces.enabled`; None if the settings have to be parsed to know it."""
    given = env.get(f"{ENV_PREFIX}ENABLED")
    if given:
        return _WORDS.get(given)
    project, user = project_file(), user_file(env)
    if project is not None:
        values = _plain_values(project)
        if values is None or set(values) != {"enabled"}:
            return None
    elif os.path.lexists(user):
        values = _plain_values(user)
    else:
        return False
    return _WORDS.get(values.get("enabled", "false")) if values is not None else None


def _plain_values(path: str) -> dict[str, str] | None:
    """The values of a short file that has only the table `[traces]`, with only words, numbers and plain
    strings, as they are written there; None of any other file, which may be one that the parser refuses."""
    try:
        lines = read_plain(path, SETTINGS_LIMIT).decode("ascii").split("\n")
    except (OSError, ValueError):
        return None
    if len(lines) > _MOST_LINES or not all(line.isprintable() for line in lines):
        return None
    values: dict[str, str] = {}
    rest = [line for each in lines if (line := each.strip()) and not line.startswith("#")]
    if rest[:1] != ["[traces]"]:
        return None
    for line in rest[1:]:
        key, _, value = (part.strip() for part in line.partition("="))
        if not key.isidentifier() or key in values or not _is_plain(value):
            return None
        values[key] = value
    return values


def _is_plain(value: str) -> bool:
    text = value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else None
    if text is not None:
        return text.isprintable() and not set(text) & {'"', "\\"}
    return value in _WORDS or (value.isdecimal() and not value.startswith("0"))
