"""One HTML file that needs no network: a template, its styles and its scripts are files beside this one.

Nothing of a run becomes markup. The data is a JSON block in which ``<``, ``>`` and ``&`` are escaped, the
scripts put it on the page as text only, and the page's policy allows only these styles and scripts, by hash.
"""

from __future__ import annotations

import base64
import hashlib
import html as markup
import re
from collections.abc import Sequence
from importlib.resources import files

from one_trace.guard.text import clean, json_bytes

_SLOT = re.compile(r"\{\{(\w+)\}\}")
_ESCAPED = "<>&\u2028\u2029"
_INDENT = re.compile(r"^\s+", re.MULTILINE)
_SPACE_OF_CSS = re.compile(r"\s*([{}])\s*|([;:,])\s+")
_COMMENT = re.compile(r"^\s*//.*\n", re.MULTILINE)


def page(name: str, *, title: str, data: object, scripts: Sequence[str] = ()) -> bytes:
    """The page of the template `name`. Its own style and script come after those that all pages share and
    after `scripts`."""
    style = _SPACE_OF_CSS.sub(r"\1\2", asset("base.css") + asset(f"{name}.css"))
    parts = [asset(script) for script in ("base.js", *scripts, f"{name}.js")]
    script = _INDENT.sub("", _COMMENT.sub("", "".join(parts)))
    slots = {
        "title": markup.escape(clean(title)),
        "policy": _policy(style, script),
        "style": style,
        "script": script,
        "data": _escaped(json_bytes(data).decode()),
    }
    text = _SLOT.sub(lambda slot: slots[slot[1]], asset(f"{name}.html"))
    return text.encode("utf-8", "replace")


def _escaped(json: str) -> str:
    """JSON that cannot end its block."""
    for character in _ESCAPED:  # `translate` takes a hundred times as long
        json = json.replace(character, f"\\u{ord(character):04x}")
    return json


def asset(name: str) -> str:
    return files("one_trace.export").joinpath(name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """Content-Security-Policy: nothing is loaded, and nothing runs but our own script."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
