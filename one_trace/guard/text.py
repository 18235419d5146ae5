"""Makes untrusted text harmless: control characters are shown as escapes, in pages and in JSON.

Names of steps and flows, error texts, keys of a project's settings and responses of servers are written by
others. They must not move the cursor, colour the screen, reverse the direction of a line or break it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Patterns are compiled when they are first used, as nearly all text is plain ASCII.
_BREAKS = r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+"
# Control characters (C0, DEL, C1), then invisible characters and those that change the direction.
_UNSAFE = (
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
# Joiners and variation selectors: terminals disagree on the width of what they combine.
_GLUE = "[\u00ad\u034f\u180b-\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]"
_ESCAPES = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[@-Z\\-_])"
# The same characters in encoded JSON: DEL, C1, line breaks and directions.
_UNSAFE_JSON = (
    rb"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8b\x8e\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf|\xef\xbf[\xb9-\xbb]"
    rb"|\xf3\xa0[\x80\x81][\x80-\xbf]"
)
# Besides text, our pages may contain line ends and these styles: weight and colours, no concealing or
# blinking.
_STYLE = r"\x1b\[(?:[0-4]|[34][0-79]|9[0-7]|10[0-7])(?:;(?:[0-4]|[34][0-79]|9[0-7]|10[0-7]))*m"
_UNSAFE_PAGE = (
    f"(?P<style>{_STYLE})|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SURROGATE = "[\ud800-\udfff]"
_BYTE = r"\\x([89a-f][0-9a-f])"
_SAFE_WORD = r"[A-Za-z0-9_@%+:,./][A-Za-z0-9_@%+=:,./-]*\Z"
_PRINTABLE = bytes(range(0x20, 0x7F))
_LONG = 1000
"""Characters from which on `translate` takes a fifth of the time of `isprintable`."""
LONGEST = 4096
_LONGEST_ARGUMENT = 200
"""Characters of a name in a command that we print: a longer one would be cut in a bounded answer."""


def clean(text: str, limit: int = LONGEST) -> str:
    """`text` on one line, without anything that a terminal would interpret, cut to about `limit`
    characters."""
    if len(text) > limit:
        text = text[:limit] + "…"
    if text.isascii() and _is_printable(text):
        return text
    text = re.sub(_GLUE, "", re.sub(_BREAKS, " ", text))
    return re.sub(_UNSAFE, lambda found: _escape(found[0]), text)


def _is_printable(text: str) -> bool:
    """Whether an ASCII text has no control character."""
    if len(text) < _LONG:
        return text.isprintable()
    return not text.encode().translate(None, _PRINTABLE)


def cut_middle(text: str, most: int) -> str:
    """`text`, or its beginning and end: the end of a path says most."""
    if len(text) <= most:
        return text
    head = most // 3
    return f"{text[:head]}…{text[len(text) - (most - head - 1) :]}"


def clean_lines(text: str, limit: int = LONGEST) -> list[str]:
    """Like `clean`, but keeps the lines, and removes whole escape sequences: error texts may well be
    coloured."""
    plain = re.sub(_ESCAPES, "", text[:limit])
    return [clean(line).rstrip() for line in re.split(r"\r\n|[\n\r\v\f\x85\u2028\u2029]", plain)]


def printable(text: str) -> str:
    """`text` without escape sequences and unprintable characters, for further parsing."""
    return "".join(filter(str.isprintable, re.sub(_ESCAPES, "", text)))


def clean_page(page: str, *, styled: bool = False) -> str:
    """A page of ours, safe for a terminal: lines are kept and, if `styled`, our styles; anything else that a
    terminal would interpret is shown as an escape. The second line of defence: cells are cleaned where they
    are made.
    """
    if page.isascii() and page.replace("\n", "").isprintable():
        return page
    return re.sub(
        _UNSAFE_PAGE,
        lambda found: found[0] if styled and found["style"] else _escape(found[0][0]) + found[0][1:],
        page,
    )


def valid(text: str) -> str:
    """`text` as valid UTF-8. System bytes that are not (lone surrogates in Python) become ``\\xff``, which is
    what is stored, shown and compared.
    """
    if text.isascii():
        return text
    return re.sub(_SURROGATE, lambda found: _escape(found[0]), text)


def path_of(text: str) -> Path:
    """The path from which `valid` made `text`."""
    from pathlib import Path

    if "\\x" in text and not Path(text).exists():
        return Path(re.sub(_BYTE, lambda found: chr(0xDC00 + int(found[1], 16)), text))
    return Path(text)


def json_bytes(document: object) -> bytes:
    """A document as JSON that is safe to print, whatever strings it contains."""
    import msgspec

    try:
        data = msgspec.json.encode(document)
    except UnicodeEncodeError:
        data = msgspec.json.encode(_valid_within(msgspec.to_builtins(document)))
    return clean_json(data)


def json_lines(documents: Sequence[object]) -> bytes:
    """The same of documents with a line each, which may be 100 MB: joined lines would be copied twice."""
    import msgspec

    encode = msgspec.json.Encoder().encode_lines
    try:
        data = encode(documents)
    except UnicodeEncodeError:
        data = encode([_valid_within(msgspec.to_builtins(document)) for document in documents])
    return clean_json(data)


def shell_word(text: str) -> str:
    """`text` quoted as one word of a shell command that users copy."""
    text = clean(text)
    return text if re.match(_SAFE_WORD, text) else "'" + text.replace("'", "'\"'\"'") + "'"


def can_be_argument(text: str) -> bool:
    """Whether `shell_word(text)` gives a command exactly `text`, and not as an option."""
    return 0 < len(text) <= _LONGEST_ARGUMENT and text[0] != "-" and clean(text) == text


def clean_json(data: bytes) -> bytes:
    """The same JSON with control and direction characters as ``\\uXXXX``, since a terminal interprets raw
    ones; and so ``[`` after ``##``, with which a command for GitHub's runner begins."""
    if b"#" in data and b"##[" in data:  # a single byte is found ten times as fast
        data = data.replace(b"##[", b"##\\u005b")
    if data.isascii() and b"\x7f" not in data:
        return data
    return re.sub(_UNSAFE_JSON, lambda found: _escape_json(found[0].decode()), data)


def _escape_json(character: str) -> bytes:
    units = character.encode("utf-16-be").hex()
    return b"".join(b"\\u" + units[at : at + 4].encode() for at in range(0, len(units), 4))


def _valid_within(value: object) -> object:
    if isinstance(value, str):
        return valid(value)
    if isinstance(value, dict):
        return {_valid_within(key): _valid_within(item) for key, item in value.items()}
    return [_valid_within(item) for item in value] if isinstance(value, (list, tuple)) else value


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
