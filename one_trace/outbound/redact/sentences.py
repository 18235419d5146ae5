"""Secrets in prose: ``the password is …``, ``token … was rejected``."""

from __future__ import annotations

import re

from one_trace.outbound.redact.rule import Rule
from one_trace.outbound.redact.secret_names import strength
from one_trace.outbound.redact.value_kinds import (
    is_code,
    is_prose,
    is_uuid,
    is_word,
    looks_random,
    says_nothing,
)


def _is_said(match: re.Match[str]) -> bool:
    """A secret in a sentence: ``token abc123… was rejected``, ``the password is hunter2``."""
    value = match["secret"]
    if says_nothing(value) or is_code(value) or is_uuid(value) or "/" in value[:2]:
        return False
    strong = strength(match["name"].replace(" ", "_")) == "strong"
    if match["said"].strip() in ("is", "was", "of") or strong:
        return looks_random(value, 7)
    return looks_random(value, 16)


SAID = (
    Rule(
        "password passphrase secret token key credential passwort contraseña senha",
        r"\b(?P<name>(?:api|access|secret|private|signing|encryption|auth|bearer|refresh|license|session)[ _-]?(?:key|token)|password|passphrase|passwd|secret|token|credentials?|Passwort|contraseña|senha)"
        r"(?P<said>(?=\()|[ \t]+(?:(?:provided|supplied|used|given|is|was|of|with value|value)[ \t:=]+)?)[\"'`(]?(?P<secret>[A-Za-z0-9][A-Za-z0-9_+/=.!@#$%^&*~-]{5,})",
        _is_said,
        re.IGNORECASE,
    ),
    Rule("incorrect", r"Incorrect API key provided: (?P<secret>\S{6,})"),
    Rule(
        "password passphrase secret",
        r"\b(?:password|passphrase|secret)[ \t]+(?:(?:is|was|of|to)[ \t]+)?[\"'`](?P<secret>[^\"'`\n]{4,200})[\"'`]",
        lambda match: (
            not says_nothing(match["secret"])
            and not is_prose(match["secret"])
            and (
                looks_random(match["secret"], 6)
                or ("_" not in match["secret"] and not is_word(match["secret"]))
            )
        ),
        re.IGNORECASE,
    ),
)
