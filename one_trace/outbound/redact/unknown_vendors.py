"""Keys of vendors that are not in `vendor_keys`: a short prefix, and a tail that no identifier has.

Most vendors give their keys a prefix, so that scanners find them. Ids have prefixes, too (`req_…`, `msg_…`,
`toolu_…`), but shorter tails; hashes are hexadecimal, and are left alone.
"""

from __future__ import annotations

import re

from one_trace.outbound.redact.rule import Rule

_RANDOM = 32
"""Least length of a random tail: ids of services have 14 to 29 characters."""
_HEXADECIMAL = frozenset("0123456789abcdef-_")
_SEPARATOR = re.compile(r"[_-]")
_CAMEL = re.compile(r"key(?:[A-Z][a-z]{2,13}){1,4}\Z")
_NAME = re.compile(r"[A-Z]?[a-z]{9,}|[A-Z]{9,}")


def _is_token(match: re.Match[str]) -> bool:
    """Letters and digits mixed at random; hexadecimal is a hash, and long words are a name."""
    tail: str = match["tail"]
    digits, upper = sum(c.isdigit() for c in tail), sum(c.isupper() for c in tail)
    letters = sum(c.isalpha() for c in tail)
    if digits < 3 or not letters or not set(tail.lower()) - _HEXADECIMAL:
        return False
    if upper >= 4 and letters - upper >= 4:
        return _NAME.search(tail) is None
    return digits * 6 >= len(tail)


def _is_mixed(match: re.Match[str]) -> bool:
    """For a prefix that is surely a vendor's: some part of the tail has letters and digits."""
    return any(
        len(part) >= 6 and any(map(str.isdigit, part)) and any(map(str.isalpha, part))
        for part in _SEPARATOR.split(match["tail"])
    )


def _is_camel(match: re.Match[str]) -> bool:
    return _CAMEL.match(match[0]) is not None


UNKNOWN_VENDORS = (
    Rule(
        "_ -",
        rf"(?<![A-Za-z0-9/_.+-])(?!sha[0-9])(?:[A-Za-z][A-Za-z0-9]{{1,11}}[_-]){{1,3}}(?P<tail>[A-Za-z0-9]{{{_RANDOM}}}[A-Za-z0-9_-]{{0,400}})(?![A-Za-z0-9_/-])",
        _is_token,
    ),
    Rule(
        "live_ sandbox_ hcaik_ hcamk_ hcbik_ rpa_ llx- m0- bb_live_ rk_ ak- as- md- akfycb a21aa pdus+ pdeu+ crsr_ secret-live- secret-test- goog1 ycp",
        r"(?<![A-Za-z0-9_-])(?:live_|sandbox_|hc[abc][im]k_|rpa_|llx-|m0-|bb_live_|a[ks]-|md-|AKfycb|A21AA|pd(?:us|eu)\+|crsr_|secret-(?:live|test)-|GOOG1|YCP)(?P<tail>[A-Za-z0-9_-]{20,})",
        _is_mixed,
    ),
    Rule("oauth:", r"\boauth:(?P<secret>[a-z0-9]{24,})"),
    Rule("k00", r"(?<![A-Za-z0-9+/])K00[0-9](?P<tail>[A-Za-z0-9+/]{27})(?![A-Za-z0-9+/])", _is_mixed),
    Rule(
        "airtable", r"(?<![A-Za-z0-9])key[A-Za-z0-9]{14}(?![A-Za-z0-9])", lambda match: not _is_camel(match)
    ),
    Rule(":", r"(?<![0-9A-Za-z])[0-9a-f]{24,26}:[0-9a-f]{64}(?![0-9A-Za-z])"),
    Rule(
        "0.",
        r"(?<![\w.])0\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[A-Za-z0-9]{20,}(?::[A-Za-z0-9+/=]*)?",
    ),
)
