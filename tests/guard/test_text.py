"""Untrusted text is made harmless."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from one_trace.guard.text import clean, clean_json, clean_page, json_bytes, path_of, shell_word, valid

OBEYED = "\x1b\x07\x7f\x9b\x85\u2028\u202e\u2066\u200b\ufeff\u061c\U000e0041"


@given(st.text(st.sampled_from(OBEYED + 'aé😀"\\')))
def test_json_keeps_its_meaning_and_is_safe_for_a_terminal(text: str) -> None:
    encoded = clean_json(msgspec.json.encode({text: text}))
    assert json.loads(encoded) == {text: text}
    assert not set(encoded.decode()) & set(OBEYED)


@given(st.text())
def test_a_cleaned_text_is_one_line_safe_for_a_terminal(text: str) -> None:
    cleaned = clean(text)
    assert not set(cleaned) & set(OBEYED)
    assert len(cleaned.splitlines()) <= 1


@given(st.text())
def test_a_page_keeps_its_lines_and_is_safe_for_a_terminal(text: str) -> None:
    page = clean_page(text)
    assert not set(page) & set(OBEYED)
    assert page.count("\n") == text.count("\n")
    assert clean_page(page) == page


def test_only_our_own_weight_and_colour_styles_are_kept() -> None:
    page = "\x1b[1;31mfailed\x1b[0m \x1b[8mhidden \x1b[7m \x1b[2J \x1b]0;t\x07"
    assert (
        clean_page(page, styled=True)
        == "\x1b[1;31mfailed\x1b[0m \\x1b[8mhidden \\x1b[7m \\x1b[2J \\x1b]0;t\\x07"
    )
    assert "\x1b" not in clean_page(page)


def test_invalid_utf8_is_escaped_and_can_be_turned_back_into_a_path(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"bad\xff\xe9dir")
    folder.mkdir()
    stored = valid(str(folder))
    assert stored.endswith("bad\\xff\\xe9dir")
    assert path_of(stored) == folder
    named = tmp_path / "a\\xffb"
    named.mkdir()
    assert path_of(valid(str(named))) == named


def test_a_document_is_json_whatever_its_strings_contain() -> None:
    odd = os.fsdecode(b"a\xff\xc2\x9b")
    assert json.loads(json_bytes({odd: [odd, ("\ud800", 1)]})) == {
        "a\\xff\x9b": ["a\\xff\x9b", ["\\ud800", 1]]
    }
    assert b"\xc2\x9b" not in json_bytes({odd: odd})


@given(st.text(min_size=1))
def test_a_name_in_a_command_is_one_word(text: str) -> None:
    assert shlex.split(shell_word(text)) == [clean(text)]
