"""Text of others made harmless: what a terminal would obey is shown as an escape, in pages and in JSON.

Names of steps and flows, error texts, keys of a project's settings and answers of servers are other people's.
Nothing of them may move the cursor, colour the screen, turn the direction of the line or break it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
# Control characters (C0, DEL, C1), then what is invisible or turns the direction.
_UNSAFE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
# Joiners and variation selectors: terminals disagree on the width of what they make, all agree on it
# without them.
_GLUE = re.compile("[\u00ad\u034f\u180b-\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[@-Z\\-_])"
)
# The same characters in encoded JSON, where all but ASCII stands in strings: DEL, C1, breaks and directions.
_UNSAFE_JSON = re.compile(
    rb"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8b\x8e\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf|\xef\xbf[\xb9-\xbb]"
    rb"|\xf3\xa0[\x80\x81][\x80-\xbf]"
)
# What a page of ours may hold beside text: line ends, and the styles that we paint with: weight and colours.
# Nothing conceals, turns around or blinks.
_STYLE = r"\x1b\[(?:[0-4]|[34][0-79]|9[0-7]|10[0-7])(?:;(?:[0-4]|[34][0-79]|9[0-7]|10[0-7]))*m"
_UNSAFE_PAGE = re.compile(
    f"(?P<style>{_STYLE})|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_BYTE = re.compile(r"\\x([89a-f][0-9a-f])")
_SAFE_WORD = re.compile(r"[A-Za-z0-9_@%+:,./][A-Za-z0-9_@%+=:,./-]*\Z")
LONGEST = 4096


def clean(text: str, limit: int = LONGEST) -> str:
    """`text` on one line, with nothing in it that a terminal would obey; at most about `limit` characters
    are looked at.
    """
    if len(text) > limit:
        text = text[:limit] + "…"
    if text.isascii() and text.isprintable():
        return text
    text = _GLUE.sub("", _BREAKS.sub(" ", text))
    return _UNSAFE.sub(lambda found: _escape(found[0]), text)


def clean_lines(text: str, limit: int = LONGEST) -> list[str]:
    """Like `clean`, but the text keeps its lines, and loses whole escape sequences: an error text may
    rightly be coloured.
    """
    plain = _ESCAPES.sub("", text[:limit])
    return [clean(line).rstrip() for line in re.split(r"\r\n|[\n\r\v\f\x85\u2028\u2029]", plain)]


def printable(text: str) -> str:
    """`text` without escape sequences, and without all that is not seen: for a word that is to be read on."""
    return "".join(filter(str.isprintable, _ESCAPES.sub("", text)))


def clean_page(page: str, *, styled: bool = False) -> str:
    """A page of ours as it may reach a terminal: its lines stay and, if `styled`, the styles that we paint
    with; everything else that a terminal would obey is shown as an escape.

    The cells of a page are cleaned one by one where they are made; this is for the one that was forgotten.
    """
    if page.isascii() and page.replace("\n", "").isprintable():
        return page
    return _UNSAFE_PAGE.sub(
        lambda found: found[0] if styled and found["style"] else _escape(found[0][0]) + found[0][1:], page
    )


def valid(text: str) -> str:
    """`text` as UTF-8 can hold it. Bytes of a system that are none (Python keeps them as lone surrogates)
    become ``\\xff``: what is stored, shown and compared is that.
    """
    if text.isascii():
        return text
    return _SURROGATE.sub(lambda found: _escape(found[0]), text)


def path_of(text: str) -> Path:
    """The path that `valid` has made `text` of."""
    from pathlib import Path

    if "\\x" in text and not Path(text).exists():
        return Path(_BYTE.sub(lambda found: chr(0xDC00 + int(found[1], 16)), text))
    return Path(text)


def json_bytes(document: object) -> bytes:
    """A document of ours as JSON that a terminal can show, whatever strings are in it."""
    import msgspec

    try:
        data = msgspec.json.encode(document)
    except UnicodeEncodeError:
        data = msgspec.json.encode(_valid_within(msgspec.to_builtins(document)))
    return clean_json(data)


def shell_word(text: str) -> str:
    """`text` as one word of a command line that people copy: names of flows and steps are data, no shell."""
    text = clean(text)
    return text if _SAFE_WORD.match(text) else "'" + text.replace("'", "'\"'\"'") + "'"


def clean_json(data: bytes) -> bytes:
    """Encoded JSON, the same document, with control and direction characters in it written as ``\\uXXXX``: a
    terminal obeys them raw.
    """
    if data.isascii() and b"\x7f" not in data:
        return data
    return _UNSAFE_JSON.sub(lambda found: _escape_json(found[0].decode()), data)


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
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was no UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
