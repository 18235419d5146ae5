"""Text of others inside Markdown, XML and the output of a CI job: it stays text there."""

from __future__ import annotations

import re

from one_trace.guard.text import clean, cut_middle

NAME = 120
"""Characters of a name in Markdown."""
_FENCES = re.compile(r"`{3,}")
_XML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\ufffe": "", "\uffff": ""})
_DATA = str.maketrans({"%": "%25"})
_PROPERTY = str.maketrans({"%": "%25", ":": "%3A", ",": "%2C"})
_COMMAND = re.compile(rb"^([^!-~\n]*:):", re.MULTILINE)
"""The runner skips blanks of Unicode, and .NET compares as if invisible characters were not there: of what
may stand before the command, only visible ASCII surely makes it none."""


def code_span(text: str, limit: int = NAME) -> str:
    """A name as inline code of Markdown, on one line, also in the cell of a table.

    In code nothing is a link, a mention of a user or markup. A text that could end the code, or the cell, is
    written with character references, which never are syntax.
    """
    text = cut_middle(clean(text), limit)
    if text and text == text.strip() and not {"`", "|", "\\"} & set(text):
        return f"`{text}`"
    return f"<code>{''.join(map(_reference, text)) or '&#32;'}</code>"


def _reference(character: str) -> str:
    return character if character.isalnum() else f"&#{ord(character)};"


def code_block(lines: list[str], language: str = "text") -> list[str]:
    """Clean lines as a block of code, whose fence is longer than any in the lines."""
    longest = max((len(fence) for line in lines for fence in _FENCES.findall(line)), default=2)
    fence = "`" * (longest + 1)
    return [f"{fence}{language}", *lines, fence]


def xml_text(text: str) -> str:
    """A text for XML, in an attribute or between tags, without the characters that XML does not allow."""
    return clean(text).translate(_XML)


def command_data(text: str) -> str:
    """The text of a command for GitHub's runner, escaped as the runner reads it back; it keeps its lines."""
    return "%0A".join(clean(line).translate(_DATA) for line in text.split("\n"))


def command_property(text: str) -> str:
    """A property of such a command, on one line."""
    return clean(text).translate(_PROPERTY)


def without_commands(page: bytes) -> bytes:
    """A page in which GitHub's runner finds no command: neither a line that begins with ``::``, nor ``##[``
    anywhere. In JSON, `text.clean_json` sees to that."""
    return _COMMAND.sub(rb"\1 :", page.replace(b"##[", b"## ["))
