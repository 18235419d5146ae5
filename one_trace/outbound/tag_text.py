"""The values of tags, redacted before they are stored: what a user types may be a secret."""

from __future__ import annotations

from collections.abc import Mapping

from one_trace.outbound.redact import REDACTED, Redact


def without_secrets(tags: Mapping[str, str], redact: Redact) -> dict[str, str]:
    """The tags with every secret in their values redacted; those with a secret in the key are left out."""
    kept: dict[str, str] = {}
    for key, value in tags.items():
        text, start = redact(f"{key}={value}"), f"{key}="
        if redact(key) == key:
            kept[key] = text.removeprefix(start) if text.startswith(start) else REDACTED
    return kept
