"""Reading and changing the tags of stored runs, and the condition that a run has some."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import msgspec

from one_trace.model import tags as tagging
from one_trace.store.connection import Connection
from one_trace.store.rows import encode_text

_tags = msgspec.json.Decoder(dict[str, str])


def conditions(tags: tagging.Tags) -> list[tuple[str, tuple[object, ...]]]:
    """SQL conditions on rows of `runs`, each with its parameters."""
    has = "EXISTS (SELECT 1 FROM json_each(runs.tags) WHERE key = ? AND value = ?)"
    return [(has, tag) for tag in tags]


def change(
    connection: Connection, run: int, changes: Sequence[tuple[str, str]], env: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Change the tags of the run with this number, in the caller's transaction: an empty value removes one.
    Secrets in the values are redacted. Returns the tags now. Raises ValueError if they become too many."""
    from one_trace.outbound.redact import redactor
    from one_trace.outbound.tag_text import without_secrets

    (text,) = connection.execute("SELECT tags FROM runs WHERE id = ?", (run,)).fetchone()
    after = tagging.changed(_tags.decode(text) if text else {}, changes)
    after = without_secrets(after, redactor(env))
    connection.execute("UPDATE runs SET tags = ? WHERE id = ?", (encode_text(after) if after else None, run))
    return after
