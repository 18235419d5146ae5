"""Text of others, made harmless."""

from __future__ import annotations

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from one_trace.guard.text import clean, clean_json

OBEYED = "\x1b\x07\x7f\x9b\x85\u2028\u202e\u2066\u200b\ufeff\u061c\U000e0041"


@given(st.text(st.sampled_from(OBEYED + 'aé😀"\\')))
def test_json_keeps_its_meaning_and_has_nothing_that_a_terminal_obeys(text: str) -> None:
    encoded = clean_json(msgspec.json.encode({text: text}))
    assert json.loads(encoded) == {text: text}
    assert not set(encoded.decode()) & set(OBEYED)


@given(st.text())
def test_a_cleaned_text_is_one_line_that_nothing_obeys(text: str) -> None:
    cleaned = clean(text)
    assert not set(cleaned) & set(OBEYED)
    assert len(cleaned.splitlines()) <= 1
