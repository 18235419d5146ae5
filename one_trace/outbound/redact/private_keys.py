"""Private keys: PEM, OpenSSH, PGP and PuTTY blocks, also with head or tail cut off; JSON Web Keys; RSA in XML."""

from __future__ import annotations

import re
from collections.abc import Iterator

from one_trace.outbound.redact.encodings import Range
from one_trace.outbound.redact.rule import Rule

_HEAD = r"-----\s{0,20}BEGIN[A-Z0-9 _-]{0,100}PRIVATE KEY(?: BLOCK)?\s{0,20}-----"
_TAIL = r"-----\s{0,20}END[A-Z0-9 _-]{0,100}PRIVATE KEY(?: BLOCK)?\s{0,20}-----"
_LINE = r"[A-Za-z0-9+/=]"
_INSIDE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t\r\n>|,\"'")

PRIVATE_KEYS = (
    # From its head to its end, or to the end of the text.
    Rule(
        "private key",
        _HEAD + r"(?:(?!-----\s{0,20}END)[\s\S])*(?:" + _TAIL + r"|\Z|-----\s{0,20}END[^\n]{0,60})",
    ),
    Rule(
        "private-lines:", r"Private-Lines:\s*[0-9]+[ \t]*\r?\n[A-Za-z0-9+/=\s]+(?:Private-MAC:\s*[0-9a-f]+)?"
    ),
    Rule("b3blbnnzac1rzxktdje", r"b3BlbnNzaC1rZXktdjE[A-Za-z0-9+/=]*(?:\s{1,8}[A-Za-z0-9+/=]{16,})*"),
    Rule('"kty"', r'"(?:d|p|q|dp|dq|qi|k)"\s*:\s*"(?P<secret>[A-Za-z0-9_-]{16,}={0,2})'),
    Rule("<rsakeyvalue>", r"<(?:D|P|Q|DP|DQ|InverseQ)>(?P<secret>[A-Za-z0-9+/=]{8,})"),
)

_END = re.compile(_TAIL)
_PUBLIC = re.compile(
    r"-----BEGIN (?:CERTIFICATE|[A-Z0-9 ]{0,30}PUBLIC KEY|X509 CRL)[^\n]{0,30}-----(?:(?!-----)[\s\S])*"
)
_DER = re.compile(
    r"(?<![A-Za-z0-9+/])(?:MI[IGEHC]|MHc|MC4C|MFE|MHQ)[A-Za-z0-9+/]{28,}={0,2}(?:\s{1,8}[A-Za-z0-9+/]{16,}={0,2})*"
)
_BODY = re.compile(
    rf"(?:(?<=\n)|\A)[ \t>|]{{0,8}}(?={_LINE}{{0,76}}[a-z])(?={_LINE}{{0,76}}[A-Z])(?={_LINE}{{0,76}}[0-9])[A-Za-z0-9+/]{{64,76}}(?=\s|\Z)"
    r"(?:\s{1,8}[A-Za-z0-9+/]{16,76}={0,2}(?=\s|\Z))*"
)


def bodies(text: str) -> Iterator[Range]:
    """The bodies of keys without their head, or without head and tail. Those of certificates and public keys
    are left alone.
    """
    for tail in _END.finditer(text):
        start = tail.start()
        while start > 0 and text[start - 1] in _INSIDE:
            start -= 1
        yield start, tail.end()
    if not _DER.search(text) and not _BODY.search(text):
        return
    public = [block.span() for block in _PUBLIC.finditer(text)]
    for pattern in (_DER, _BODY):
        for found in pattern.finditer(text):
            if not any(start <= found.start() < end for start, end in public):
                yield found.span()
