"""Secrets in XML, in pairs of a name and a value, in connection strings and in Kubernetes manifests."""

from __future__ import annotations

import re
from collections.abc import Iterator

from one_trace.outbound.redact.encodings import Range
from one_trace.outbound.redact.rule import Rule
from one_trace.outbound.redact.secret_names import strength
from one_trace.outbound.redact.value_kinds import is_count, is_stated

_SECRET_NAME = r"(?P<name>[\w.-]{2,80})"


def _is_named(match: re.Match[str]) -> bool:
    return (
        strength(match["name"]) is not None and is_stated(match["secret"]) and not is_count(match["secret"])
    )


DOCUMENTS = (
    # <password>x</password>, <add key="Password" value="x"/>, - name: DB_PASS / value: x, ["password", "x"]
    Rule(
        "</",
        rf"<(?:[\w-]{{1,20}}:)?{_SECRET_NAME}(?:\s[^<>]{{0,200}})?>\s*(?:<!\[CDATA\[)?(?P<secret>[^<>\]]{{1,4096}})(?=\]\]>|</|\Z)",
        _is_named,
    ),
    Rule(
        "<value",
        rf"<name>\s*{_SECRET_NAME}\s*</name>\s*<value>\s*(?P<secret>[^<>]{{1,4096}})",
        _is_named,
    ),
    Rule(
        "value",
        rf"\b(?:key|name|id)[\"']?\s{{0,8}}[:=]\s{{0,8}}[\"']{_SECRET_NAME}[\"']\s{{0,8}},?\s{{0,40}}[\"']?value[\"']?\s{{0,8}}[:=]\s{{0,8}}(?P<quote>[\"'])(?P<secret>(?:(?!(?P=quote)).){{1,4096}})",
        _is_named,
        re.IGNORECASE,
    ),
    Rule(
        "value",
        rf"\b(?:key|name|id|Name|Key)[\"']?\s{{0,8}}[:=]\s{{0,8}}[\"']?{_SECRET_NAME}[\"']?\s{{0,8}},?\s{{0,40}}[\"']?(?:value|Value)[\"']?\s{{0,8}}[:=]\s{{0,8}}[\"']?(?P<secret>[^\s\"',}}/>]+)",
        _is_named,
    ),
    Rule(
        ";",
        r"(?:^|[;\"'\s(])(?P<name>Password|Pwd|Pass|AccountKey|SharedAccessKey|SharedSecret|AccessKey|SharedAccessSignature|Secret|ApiKey|Token|InstrumentationKey)[ \t]*=[ \t]*(?P<secret>[^;\"'\n]{3,4096})(?=;|\"|'|\n|\Z)",
        lambda match: (
            is_stated(match["secret"]) and ";" in match.string[max(0, match.start() - 200) : match.end() + 1]
        ),
        re.IGNORECASE,
    ),
    Rule(
        ":543 :330 :5",
        r"(?<![\w.-])[\w.-]{1,100}:[0-9]{4,5}:[\w*-]{1,60}:[\w.-]{1,60}:(?P<secret>[^\s:]{3,200})(?=\s|\Z)",
    ),
)


_MANIFEST = re.compile(r"\bkind[\"']?:\s*[\"']?Secret\b")
_DATA = re.compile(
    r"^(?P<indent>[ \t]*)(?:data|stringData):[ \t]*\n(?P<lines>(?:(?P=indent)[ \t]+[^\n]*(?:\n|\Z)|[ \t]*\n){1,400})",
    re.MULTILINE,
)
_ENTRY = re.compile(r"^[ \t]*[\w./-]+:[ \t]*(?P<secret>[^\n]+)", re.MULTILINE)
_DATA_JSON = re.compile(r"\"(?:data|stringData)\"\s*:\s*\{(?P<lines>[^{}]{1,20000})")
_ENTRY_JSON = re.compile(r"\"[^\"\n]{1,200}\"\s*:\s*\"(?P<secret>(?:\\.|[^\"\\])*)")


def kubernetes(text: str) -> Iterator[Range]:
    """All values of a Kubernetes Secret, since they may have any name."""
    if "Secret" not in text or not _MANIFEST.search(text):
        return
    for section, entry in ((_DATA, _ENTRY), (_DATA_JSON, _ENTRY_JSON)):
        for found in section.finditer(text):
            for value in entry.finditer(text, *found.span("lines")):
                yield value.span("secret")
