"""Secrets in sentences: ``the password is hunter2``, ``token abc123… was rejected``."""

from __future__ import annotations

import re

from one_trace.outbound.redact.rule import Rule
from one_trace.outbound.redact.secret_names import strength
from one_trace.outbound.redact.value_kinds import (
    is_code,
    is_placeholder,
    is_stated,
    is_uuid,
    is_word,
    looks_random,
)


def _is_mentioned(match: re.Match[str]) -> bool:
    value = match["secret"]
    if is_placeholder(value) or is_code(value) or is_uuid(value) or "/" in value[:2]:
        return False
    strong = strength(match["name"].replace(" ", "_")) == "strong"
    if match["link"].strip() in ("is", "was", "of") or strong:
        return looks_random(value, 7)
    return looks_random(value, 16)


SENTENCES = (
    Rule(
        "password passphrase secret token key credential passwort contraseña senha",
        r"\b(?P<name>(?:api|access|secret|private|signing|encryption|auth|bearer|refresh|license|session)[ _-]?(?:key|token)|password|passphrase|passwd|secret|token|credentials?|Passwort|contraseña|senha)"
        r"(?P<link>(?=\()|[ \t]+(?:(?:provided|supplied|used|given|is|was|of|with value|value)[ \t:=]+)?)[\"'`(]?(?P<secret>[A-Za-z0-9][A-Za-z0-9_+/=.!@#$%^&*~-]{5,})",
        _is_mentioned,
        re.IGNORECASE,
    ),
    Rule(
        "mot de passe",
        r"\bmot de passe\s?[:=]\s{0,4}(?P<secret>\S+)",
        lambda match: looks_random(match["secret"], 6),
        re.IGNORECASE,
    ),
    Rule("incorrect", r"Incorrect API key provided: (?P<secret>\S{6,})"),
    Rule(
        "password passphrase secret",
        r"\b(?:password|passphrase|secret)[ \t]+(?:(?:is|was|of|to)[ \t]+)?[\"'`](?P<secret>[^\"'`\n]{4,200})[\"'`]",
        lambda match: (
            is_stated(match["secret"])
            and (
                looks_random(match["secret"], 6)
                or ("_" not in match["secret"] and not is_word(match["secret"]))
            )
        ),
        re.IGNORECASE,
    ),
)
