"""Error text without secrets.

`redact` knows a secret by its shape (`vendors`, `keys`), by where it stands (`urls`, `headers`, `commands`,
`documents`, `sentences`) and by the name of what holds it (`fields`); `redactor` also knows this run's own:
the values of variables whose names say that they are secrets (`environment`), whatever they look like. Both
look at the text and at every layer of its escapes (`spelling`), so a rule is written once. What is found
becomes ``[REDACTED]``, and is looked at again until nothing more is found: to redact twice is to redact
once.

A text is redacted before it is cut to what is kept, so no secret straddles the cut. Time is linear: patterns
have no nested repetition, and only the rules whose words are in a text are compiled and tried.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from one_trace.outbound.redact.command_lines import OPTIONS
from one_trace.outbound.redact.documents import PAIRS, kubernetes
from one_trace.outbound.redact.encodings import Range, encoded, is_pair, replaced, views
from one_trace.outbound.redact.environment import Values, secret_values
from one_trace.outbound.redact.fields import fields
from one_trace.outbound.redact.headers import HEADERS, headers
from one_trace.outbound.redact.private_keys import KEYS, bodies
from one_trace.outbound.redact.sentences import SAID
from one_trace.outbound.redact.transcripts import PROTOCOLS
from one_trace.outbound.redact.unknown_vendors import UNKNOWN
from one_trace.outbound.redact.urls import URLS
from one_trace.outbound.redact.value_kinds import REDACTED
from one_trace.outbound.redact.vendor_keys import VENDORS

__all__ = ["REDACTED", "Redact", "redact", "redactor", "without_torn_word"]

Redact = Callable[[str], str]
"""Error text in, error text without secrets out."""

LONGEST = 32 * 1024
"""Characters of a text that are looked at, and kept: eight times what the store keeps."""
_MOST_ROUNDS = 4
_RULES = (*VENDORS, *UNKNOWN, *KEYS, *URLS, *HEADERS, *OPTIONS, *PROTOCOLS, *SAID, *PAIRS)
_STORED_BYTES = 4096 - 4
_LAST_WORD = re.compile(r"\S{1,512}\Z")
_REPEATED = re.compile(r"(?:\[REDACTED\]){2,}")


def redact(text: str) -> str:
    """`text` with every secret in it replaced by ``[REDACTED]``; what is around it stays readable."""
    return _redacted(text, Values(()))


def without_torn_word(text: str) -> str:
    """`text` as the store has it, less its last word where it was cut to 4 KiB: stores of old cut first, and
    half a key is like no key.
    """
    return _LAST_WORD.sub("…", text) if len(text.encode("utf-8", "replace")) > _STORED_BYTES else text


def redactor(env: Mapping[str, str]) -> Redact:
    """`redact`, for texts of a run with this environment: the values of its secrets go as well."""
    values: list[Values] = []

    def of_run(text: str) -> str:
        if not values:  # not before there is an error to redact
            values.append(secret_values(env, _parts))
        return _redacted(text, values[0])

    return of_run


def _parts(value: str) -> list[str]:
    """The secrets within a value: the password of an address, the members of JSON."""
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
    """Where secrets stand in one view of a text: as they are, and in base64."""
    yield from values.find(text)
    yield from _shaped(text)
    for where, plain in encoded(text):
        if is_pair(plain) or _is_found(plain, values):
            yield where


def _is_found(text: str, values: Values) -> bool:
    """Whether there is any secret in what base64 stood for."""
    return any(True for view in views(text) for look in (values.find, _shaped) for _ in look(view.text))


def _shaped(text: str) -> Iterator[Range]:
    low = text.lower()
    for rule in _RULES:
        yield from rule.find(text, low)
    yield from fields(text, low)
    yield from headers(text, low)
    yield from kubernetes(text)
    yield from bodies(text)
