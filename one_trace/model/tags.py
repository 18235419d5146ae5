"""The tags of a run: names and values of the user's own, few and short."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

Tags = tuple[tuple[str, str], ...]
"""Keys and values that a run must have."""
MOST = 16
"""Tags of one run."""
LONGEST = 200
"""Characters of a value."""
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,39}")
_FORM = "a tag is KEY=VALUE: a key of at most 40 letters, digits, '_', '.' and '-'"


def parse(text: str) -> tuple[str, str]:
    """The key and the value of ``KEY=VALUE``; the value of ``KEY=`` is empty, which removes the tag. Raises
    ValueError with the reason."""
    key, sign, value = text.partition("=")
    key, value = key.strip(), value.strip()
    if not sign or not _KEY.fullmatch(key):
        raise ValueError(f"'{_short(text)}': {_FORM}")
    if len(value) > LONGEST:
        raise ValueError(f"'{key}': its value is longer than {LONGEST} characters")
    if not value.isprintable():
        raise ValueError(f"'{key}': its value has characters that cannot be printed")
    return key, value


def is_tag(key: str, value: str) -> bool:
    """Whether a run may have this tag."""
    return bool(_KEY.fullmatch(key)) and 0 < len(value) <= LONGEST and value.isprintable()


def changed(tags: Mapping[str, str], changes: Iterable[tuple[str, str]]) -> dict[str, str]:
    """`tags` with these values, and without those whose new value is empty. Raises ValueError if they become
    too many."""
    after = dict(tags)
    for key, value in changes:
        after.pop(key, None)
        if value:
            after[key] = value
    if len(after) > MOST:
        raise ValueError(f"a run has at most {MOST} tags")
    return after


def collect(texts: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """The tags that these texts give a run, later ones over earlier ones, and why others are not used."""
    tags: dict[str, str] = {}
    problems: list[str] = []
    for text in texts:
        try:
            tags = changed(tags, [parse(text)])
        except ValueError as error:
            problems.append(str(error))
    return tags, problems


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
