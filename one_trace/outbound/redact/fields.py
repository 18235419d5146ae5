"""Secrets in named fields: assignments, members of JSON, YAML and other literals, HTTP-like headers.

Which names say "secret" is decided in `secret_names`, which values can be one in `value_kinds`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from one_trace.outbound.redact.encodings import Range
from one_trace.outbound.redact.secret_names import Strength, strength
from one_trace.outbound.redact.value_kinds import (
    is_code,
    is_count,
    is_placeholder,
    is_prose,
    is_word,
    looks_random,
)

HINTS = (
    "pass", "pwd", "pw", "psk", "secret", "token", "key", "cred", "auth", "cookie", "jwt", "bearer", "otp", "pat", "sid", "sess",
    "sig", "dsn", "phrase", "csrf", "xsrf", "mnemonic", "verifier", "assertion", "saml", "device", "team", "consumer", "kennwort", "senha", "contrase", "mdp", "пароль", "密", "パスワード", "비밀번호",
)  # fmt: skip
"""In lower case. Every name that `secret_names` knows contains one of these."""
_QUOTED = (
    # Also wrapped as in a debugger's output: Some("…"), SecretString("…").
    r"(?:(?:Some|Just|Ok|String|Text|Secret\w{0,20}|Sensitive\w{0,20}|Password|Token|Buffer\.from)\(){0,2}"
    r"[bBuUrRfF]{0,2}(?P<quote>[\"'`])(?P<quoted>(?:\\.|(?!(?P=quote))[^\\]){0,20000})(?:(?P=quote)|\\?\Z)"
)
_FIELD = re.compile(
    r"(?<![\w.$-])(?:[bBuU](?=[\"']))?(?P<open>[\"'`]?)(?P<name>[\w$][\w.$-]{0,99})(?P<index>\[[^\]\n]{0,20}\])?(?P<close>[\"'`]?)\]?\)?"
    r"(?P<sep>[ \t]{0,20}(?:=>|->|:=|\+=|\?=|={1,3}|!==?|:(?!:)|,(?=[ \t\n]{0,20}[bu]?[\"']))[ \t]{0,20}(?:\r?\n[ \t]{0,40}(?=[\"']))?)"
)
_VALUE = re.compile(
    _QUOTED
    + r"|(?P<block>[|>][+-]?[0-9]?[ \t]*\r?\n)|(?P<bare>[^\s\"'`<>](?:[^\s<>\"'`]|[\"'`](?![\s,:;}\])]|\Z)){0,4000})",
    re.DOTALL,
)
_MEMBER_END = re.compile(r"[,}\]]")
_LINE_END = re.compile(r"[^\r\n]{0,400}")
_INDENTED = re.compile(r"(?:[ \t]+[^\n]*(?:\n|\Z)|[ \t]*\n){1,400}")
_PARSER = re.compile(
    r"(?:(?:unexpected|illegal|expected|unknown|unrecognized|stray|syntax error[,:]?|near|parse|---)\s+|\barn:[\w:-]*)\Z",
    re.IGNORECASE,
)
_SPACED = re.compile(r"[ \t]")
_LIST_ITEM = re.compile(r"\"((?:\\.|[^\"\\])+)\"?|'((?:\\.|[^'\\])+)'?")
_JSON_LIST = re.compile(r"\[(?:[^\]\"']|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'){0,1000}(?:\]|\Z)")


def fields(text: str, low: str) -> Iterator[Range]:
    """The values of all fields that are named as secrets."""
    if not any(hint in low for hint in HINTS):
        return
    end = 0  # of the last secret: nothing within it is searched again
    for match in _FIELD.finditer(text):
        if match.start() < end:
            continue
        sure = strength(match["name"] + (match["index"] or "")) or strength(match["name"])
        value = _VALUE.match(text, match.end()) if sure is not None else None
        if sure is not None and value is not None:
            for found in _value(Field(text, match, value, sure)):
                end = found[1]
                yield found


class Field(Struct, frozen=True):
    """A field that is named as a secret, and its value."""

    text: str
    head: re.Match[str]
    value: re.Match[str]
    sure: Strength

    @property
    def separator(self) -> str:
        return self.head["sep"]

    @property
    def counts(self) -> bool:
        """It holds a number of tokens, not a token."""
        return "tokens" in self.head["name"].lower()

    @property
    def is_of_parser(self) -> bool:
        """``Unexpected token: …``, or the kind in the name of a resource (``arn:…``)."""
        start = self.head.start()
        return _PARSER.search(self.text, max(0, start - 80), start) is not None


def _value(field: Field) -> Iterator[Range]:
    if field.value["quote"]:
        if _is_quoted_secret(field):
            yield field.value.span("quoted")
    elif field.value["block"]:
        block = _INDENTED.match(field.text, field.value.end())
        if block is not None:
            yield block.span()
    elif "," not in field.separator:
        yield from _bare(field)


def _is_quoted_secret(field: Field) -> bool:
    value = field.value["quoted"]
    if is_placeholder(value) or is_prose(value) or ("!" in field.separator and is_word(value)):
        return False
    if "," in field.separator:
        before = field.text[max(0, field.head.start() - 1) : field.head.start()]
        return bool(field.head["close"]) and (
            looks_random(value, 6) or (before in "[(" and not is_word(value))
        )
    if field.counts and is_count(value):
        return False
    if field.sure == "weak":
        return not field.is_of_parser and (looks_random(value, 6) or not is_word(value) or len(value) >= 8)
    return True


def _bare(field: Field) -> Iterator[Range]:
    value, start = field.value["bare"], field.value.start("bare")
    if field.head["close"]:  # a member of JSON: a number, or a value that was cut off
        value = _MEMBER_END.split(value, maxsplit=1)[0] or value
    if value[0] in "[{(":
        yield from _listed(field.text, start)
        return
    if is_placeholder(value) or value[0] in "}),;]":
        return
    if is_count(value) and (field.counts or field.sure == "weak" or len(value) < 4):
        return
    if "=" in field.separator and not _SPACED.search(field.separator) and not field.head["close"]:
        if not (is_code(value) and "(" in value):
            yield start, start + len(value)
    elif not is_code(value) and not field.is_of_parser:
        yield from _after_colon(field, value, start)


def _after_colon(field: Field, value: str, start: int) -> Iterator[Range]:
    """A value after ``name: ``, where prose may follow as well."""
    line = _LINE_END.match(field.text, start)
    rest = line[0] if line is not None else value
    lead = _lead(field)
    if lead[-1:] in ('"', "'", "`"):
        rest = rest.partition(lead[-1])[0]
    strong = field.sure == "strong"
    if looks_random(value, 6 if strong else 8):
        yield start, start + len(value)
    elif is_prose(rest):
        return
    elif strong and _stands_alone(lead):
        yield start, start + max(len(value), len(rest.rstrip()))
    elif _ends_line(field, value, rest) and (
        len(value) >= 4 if strong else len(value) >= 8 and not is_word(value)
    ):
        yield start, start + len(value)


def _ends_line(field: Field, value: str, rest: str) -> bool:
    """Only a bracket or a full stop follows the value."""
    return "=" not in field.separator and rest.strip(" ,;.}])") == value.strip(",;.}])")


def _lead(field: Field) -> str:
    """The text before the name on its line."""
    start = field.head.start()
    line = field.text.rfind("\n", max(0, start - 400), start) + 1
    return field.text[max(line, start - 400) : start].strip(" \t-*>+|#")


def _stands_alone(lead: str) -> bool:
    """The name begins its line, or follows something that begins one: a bracket, a quote, ``export``."""
    return lead == "" or lead.endswith((":", "{", ",", ";", "(", '"', "'", "`", "export", "set", "with"))


def _listed(text: str, start: int) -> Iterator[Range]:
    """The items of a list of secrets: ``"tokens": ["a", "b"]``."""
    found = _JSON_LIST.match(text, start)
    if found is None:
        return
    for item in _LIST_ITEM.finditer(found[0]):
        value = item[1] or item[2]
        if not is_placeholder(value) and not is_prose(value) and not is_word(value):
            yield start + item.start(), start + item.end()
