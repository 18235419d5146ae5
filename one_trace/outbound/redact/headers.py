"""Secrets in HTTP headers: `Authorization` and cookies as a whole, and credentials after a scheme's name anywhere.

A new authentication scheme is a word in `_SCHEMES`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from one_trace.outbound.redact.encodings import Range
from one_trace.outbound.redact.rule import Rule
from one_trace.outbound.redact.value_kinds import (
    is_placeholder,
    is_prose,
    is_word,
    looks_random,
)


def _is_credential(match: re.Match[str]) -> bool:
    """Whether the word after ``Bearer`` or ``Basic`` is a credential, and not prose."""
    value = match["secret"]
    return not is_placeholder(value) and (looks_random(value) or (len(value) >= 16 and not is_word(value)))


_HEADER = re.compile(
    r"(?<![A-Za-z])(?:[A-Za-z-]{0,20}-)?(?:Authorization|Set-Cookie2?|Cookies?2?)(?P<close>[\"'`]?)"
    r"\s{0,4}(?::|=>|=(?!=)|,(?=\s{0,4}[bu]?[\"'`]))\s{0,4}\[?[bu]?(?P<quote>[\"'`]?)",
    re.IGNORECASE,
)
_TO_END = {quote: re.compile(r"(?:\\.|[^\r\n\\" + quote + "])+") for quote in ("", '"', "'", "`")}


def headers(text: str, low: str) -> Iterator[Range]:
    """The whole values of secret headers, up to the quote that ends them or the end of the line."""
    if "authorization" not in low and "cookie" not in low:
        return
    end = 0
    for match in _HEADER.finditer(text):
        if match.start() < end:
            continue
        before = text[max(0, match.start() - 1) : match.start()]
        quote = match["quote"] or (before if before in _TO_END and not match["close"] else "")
        value = _TO_END[quote].match(text, match.end())
        if value is not None and _is_header(match[0].lower(), value[0].strip()):
            end = value.end()
            yield value.span()


def _is_header(name: str, value: str) -> bool:
    rest = value.partition(" ")[2]
    if is_placeholder(value) or is_prose(value) or "realm=" in rest[:8] or (rest and is_placeholder(rest)):
        return False
    if "cookie" in name:
        return "=" in value or looks_random(value)
    return bool(rest) or not is_word(value) or len(value) >= 16


_SCHEMES = "Bearer|Basic|Token|Digest|Negotiate|NTLM|ApiKey|Api-Key|AWS4-HMAC-SHA256|OAuth|Hawk|HMAC|MAC|SharedKey|SharedAccessSignature|GenieKey|Key|Bot|JWT|SSWS|DeepL-Auth-Key|Splunk|PRIVATE-TOKEN|GoogleLogin|Snowflake|Client-ID"
HEADERS = (
    Rule(
        "bearer basic token digest negotiate ntlm apikey api-key oauth sharedkey sharedaccesssignature geniekey ssws splunk jwt hmac",
        rf"(?<![\w-])(?:{_SCHEMES})[ \t]{{1,4}}(?P<secret>(?!realm=)[A-Za-z0-9._~+/:|%-]{{8,}}={{0,3}}[A-Za-z0-9._~+/:=%-]*)(?!\()",
        _is_credential,
        re.IGNORECASE,
    ),
    Rule("sharedaccesssignature", r"SharedAccessSignature\s+(?P<secret>\S{8,})"),
)
