"""Foreign text on a terminal: as wide as we say, and nothing in it that a terminal obeys."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from one_trace.guard.text import clean, clean_lines
from one_trace.view.cells import clip, pad, text_width, wrap


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\nb\tc\r\nd", "a b c d"),
        ("a\u2028b\u0085c", "a b c"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("bell\x07\x00\x9b", "bell\\x07\\x00\\x9b"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("👨\u200d👩 ❤\ufe0f", "👨👩 ❤"),
        ("x" * 5000, "x" * 4096 + "…"),
    ],
)
def test_clean(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_lines_of_an_error_lose_their_colours_but_not_their_words() -> None:
    assert clean_lines("\x1b[31mboom\x1b[0m\n  at \x1b]0;title\x07line 3\r\nend") == [
        "boom",
        "  at line 3",
        "end",
    ]


@given(st.text(), st.integers(1, 50))
def test_clip_never_takes_more_room_than_there_is(text: str, room: int) -> None:
    shown = clean(text)
    cut = clip(shown, room)
    assert text_width(cut) <= room
    assert cut == shown or cut.endswith("…")
    assert text_width(pad(cut, room)) == room


@given(st.text(), st.integers(4, 40))
def test_wrap_loses_nothing_but_blanks(text: str, room: int) -> None:
    shown = clean(text)
    lines = wrap(shown, room)
    assert all(text_width(line) <= room for line in lines)
    assert "".join(lines).replace(" ", "") == shown.replace(" ", "")


@pytest.mark.program
def test_rich_is_not_imported_for_a_page_in_ascii() -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from truths import recorded\n"
        "from one_trace.view.tree import render\n"
        "render(recorded('97b-realistic-fails'), width=80, color=True, unicode=False)\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('rich', 'pydantic', 'httpx')])"
    )
    from pathlib import Path

    done = subprocess.run(
        [sys.executable, "-c", script, str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.strip() == "[]"
