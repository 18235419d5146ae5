"""Error text without secrets.

A secret is known by its shape (`vendor_keys`, `unknown_vendors`, `private_keys`), by its place (`urls`, `headers`,
`command_lines`, `documents`, `transcripts`, `sentences`), or by the name of its field (`fields`, which asks
`secret_names` and `value_kinds`). `redactor` also knows the run's own secrets, whatever they look like: the values
of variables that are named as secrets (`environment`). Every rule sees the text with its escapes decoded, layer
by layer (`encodings`), so it is written once, for plain text.

What is found becomes ``[REDACTED]``, until nothing more is found: redacting twice changes nothing. A text is
redacted before it is cut, so no secret straddles the cut. Time is linear: patterns have no nested repetition, and
only rules whose words are in the text are compiled and tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from one_trace.outbound.names import Redact
from one_trace.outbound.redact.command_lines import COMMAND_LINES
from one_trace.outbound.redact.documents import DOCUMENTS, kubernetes
from one_trace.outbound.redact.encodings import Range, encoded, is_pair, replaced, views
from one_trace.outbound.redact.environment import Values, secret_values
from one_trace.outbound.redact.fields import fields
from one_trace.outbound.redact.headers import HEADERS, headers
from one_trace.outbound.redact.private_keys import PRIVATE_KEYS, bodies
from one_trace.outbound.redact.rule import Rules
from one_trace.outbound.redact.sentences import SENTENCES
from one_trace.outbound.redact.transcripts import TRANSCRIPTS
from one_trace.outbound.redact.unknown_vendors import UNKNOWN_VENDORS
from one_trace.outbound.redact.urls import URLS
from one_trace.outbound.redact.value_kinds import REDACTED
from one_trace.outbound.redact.vendor_keys import VENDOR_KEYS

__all__ = ["REDACTED", "Redact", "redact", "redactor", "without_torn_word"]

LONGEST = 32 * 1024
"""Characters of a text that are searched, and kept: eight times what the store keeps."""
_MOST_ROUNDS = 4
_RULES = Rules(
    (
        *VENDOR_KEYS,
        *UNKNOWN_VENDORS,
        *PRIVATE_KEYS,
        *URLS,
        *HEADERS,
        *COMMAND_LINES,
        *TRANSCRIPTS,
        *SENTENCES,
        *DOCUMENTS,
    )
)
_STORED_BYTES = 4096 - 4
_LAST_WORD = re.compile(r"\S{1,512}\Z")
_REPEATED = re.compile(r"(?:\[REDACTED\]){2,}")


def redact(text: str) -> str:
    """`text` with every secret in it replaced by ``[REDACTED]``."""
    return _redacted(text, Values(()))


def without_torn_word(text: str) -> str:
    """`text` as the store has it, without its last word if it was cut to 4 KiB. Older versions cut before they
    redacted, and half a key has no known shape.
    """
    return _LAST_WORD.sub("…", text) if len(text.encode("utf-8", "replace")) > _STORED_BYTES else text


def redactor(env: Mapping[str, str]) -> Redact:
    """`redact` for a run with this environment: the values of its secrets are replaced as well."""
    values: list[Values] = []

    def redact_run(text: str) -> str:
        if not values:  # only once there is an error to redact
            values.append(secret_values(env, _parts))
        return _redacted(text, values[0])

    return redact_run


def _parts(value: str) -> list[str]:
    """The secrets within a value: the password of a URL, the members of JSON."""
    found = [view.text[start:end] for view in views(value[:LONGEST]) for start, end in _shaped(view.text)]
    return [part for whole in found for part in (whole, whole.partition(":")[2])]


def _redacted(text: str, values: Values) -> str:
    if len(text) > LONGEST:
        text = _LAST_WORD.sub("", text[:LONGEST]) + "…"
    for _ in range(_MOST_ROUNDS):
        once = _REPEATED.sub(REDACTED, replaced(text, _find(text, values), REDACTED))
        if once == text:
            break
        text = once
    return text


def _find(text: str, values: Values) -> Iterator[Range]:
    for view in views(text):
        for found in _secrets(view.text, values):
            yield view.origin(found)


def _secrets(text: str, values: Values) -> Iterator[Range]:
    """The secrets in one view of a text, plain and in base64."""
    yield from values.find(text)
    yield from _shaped(text)
    for where, plain in encoded(text):
        if is_pair(plain) or _is_found(plain, values):
            yield where


def _is_found(text: str, values: Values) -> bool:
    """Whether decoded base64 has any secret in it."""
    return any(True for view in views(text) for look in (values.find, _shaped) for _ in look(view.text))


def _shaped(text: str) -> Iterator[Range]:
    low = text.lower()
    yield from _RULES.find(text, low)
    yield from fields(text, low)
    yield from headers(text, low)
    yield from kubernetes(text)
    yield from bodies(text)
