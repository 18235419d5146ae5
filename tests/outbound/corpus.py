"""``python -m tests.outbound.corpus``: how many secrets survive, and how many innocent texts are changed."""

from __future__ import annotations

import base64
import html
import json
import sys
from collections.abc import Callable, Iterator
from random import Random
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from one_trace.outbound.redact import redact
from tests.outbound.innocents import INNOCENTS
from tests.outbound.shapes import SHAPES, Shape

USABLE = 8
"""Characters of a secret in a row that are a usable part of it."""


def _json_in_json(text: str) -> str:
    return json.dumps({"body": json.dumps({"said": text})})


SPELLINGS: dict[str, tuple[Callable[[str], str], Callable[[str], str]]] = {
    "raw": (str, str),
    "json": (
        lambda text: json.dumps({"message": text}),
        lambda text: text.replace('\\"', '"').replace("\\\\", "\\"),
    ),
    "json in json": (_json_in_json, lambda text: text.replace("\\\\", "\\").replace('\\"', '"')),
    "url": (lambda text: quote(text, safe=""), unquote),
    "url form": (quote_plus, unquote_plus),
    "url, dashes too": (
        lambda text: "".join(
            c if c.isalnum() else f"%{ord(c):02X}" if ord(c) < 128 else quote(c) for c in text
        ),
        unquote,
    ),
    "repr": (repr, lambda text: text.replace("\\'", "'").replace("\\\\", "\\")),
    "bytes repr": (
        lambda text: repr(text.encode()),
        lambda text: text.replace("\\'", "'").replace("\\\\", "\\"),
    ),
    "unicode escapes": (
        lambda text: "".join(c if c.isalnum() else f"\\u{ord(c):04x}" for c in text),
        lambda text: text.encode().replace(b"\\[", b"[").decode("unicode_escape"),
    ),
    "hex escapes": (
        lambda text: "".join(c if c.isalnum() or ord(c) > 127 else f"\\x{ord(c):02x}" for c in text),
        lambda text: text.encode().replace(b"\\[", b"[").decode("unicode_escape"),
    ),
    "html": (html.escape, html.unescape),
    "base64": (
        lambda text: "body: " + base64.b64encode(text.encode()).decode(),
        lambda text: _unbase64(text),
    ),
}


def _unbase64(text: str) -> str:
    run = text.removeprefix("body: ")
    try:
        return base64.b64decode(run + "=" * (-len(run) % 4)).decode("utf-8", "replace")
    except ValueError:
        return text


def survivors(secrets: list[str], shown: str) -> Iterator[str]:
    """Parts of `secrets` that stand in `shown`."""
    for secret in secrets:
        size = min(USABLE, len(secret))
        for at in range(len(secret) - size + 1):
            if secret[at : at + size] in shown:
                yield secret[at : at + size]
                break


def leaks(shape: Shape, seed: int) -> Iterator[tuple[str, str, str]]:
    """Spelling, text, what was made of it: where a part of a secret of this shape survives."""
    text, secrets = shape.make(Random(f"{shape.name} {seed}"))
    for name, (spell, undo) in SPELLINGS.items():
        spelled = spell(text)
        shown = redact(spelled)
        if any(survivors(secrets, shown)) or any(survivors(secrets, undo(shown))):
            yield name, spelled, shown


def changed() -> list[tuple[str, str]]:
    """The innocent texts that do not stay byte for byte, and how they come out."""
    return [(text, shown) for text in INNOCENTS if (shown := redact(text)) != text]


def main(seeds: int = 1) -> int:
    found = [(shape.name, *leak) for shape in SHAPES for seed in range(seeds) for leak in leaks(shape, seed)]
    touched = changed()
    for name, spelling, text, shown in found[:60]:
        print(f"leaves: {name} ({spelling})\n  {text[:200]!r}\n  {shown[:200]!r}")
    for text, shown in touched[:60]:
        print(f"changed: {text[:200]!r}\n      -> {shown[:200]!r}")
    print(f"{len(SHAPES)} shapes x {len(SPELLINGS)} spellings x {seeds}: {len(found)} survive")
    print(
        f"{len(INNOCENTS)} innocent texts: {len(touched)} changed ({100 - 100 * len(touched) / len(INNOCENTS):.1f} % stay)"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
