"""Every secret is redacted, in any spelling; innocent texts stay as they are."""

from __future__ import annotations

import base64
import json
from random import Random
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from one_trace.outbound.redact import redact, without_torn_word
from tests.outbound.corpus import SPELLINGS, changed, leaks, survivors
from tests.outbound.innocents import INNOCENTS
from tests.outbound.places import PLACES
from tests.outbound.shapes import SHAPES

NAMES = [shape.name for shape in SHAPES]


@pytest.mark.parametrize("part", range(8))
def test_secrets_of_known_shapes_are_redacted_in_any_spelling(part: int) -> None:
    leaked = [(shape.name, *leak) for shape in SHAPES[part::8] for leak in leaks(shape, 0)]
    assert leaked == []


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_secrets_in_known_places_are_redacted(spelling: str) -> None:
    spell, undo = SPELLINGS[spelling]
    shown = [(text, secret, redact(spell(text))) for text, secret in PLACES]
    left = [text for text, secret, out in shown if any(survivors([secret], out + undo(out)))]
    assert left == []


def test_innocent_texts_stay_byte_for_byte() -> None:
    assert len(changed()) <= len(INNOCENTS) * 0.01, changed()


def test_the_corpus_is_large_enough() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 120
    assert len(set(INNOCENTS)) == len(INNOCENTS) >= 200


SURROUNDINGS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40)
SECRETS = st.builds(
    lambda shape, seed: shape.make(Random(seed)), st.sampled_from(SHAPES), st.integers(0, 2**32)
)


@given(SECRETS, SURROUNDINGS, SURROUNDINGS)
def test_a_secret_is_redacted_in_any_surroundings(
    made: tuple[str, list[str]], before: str, after: str
) -> None:
    text, secrets = made
    assert not list(survivors(secrets, redact(f"{before}\n{text}\n{after}")))


@given(st.one_of(SURROUNDINGS, st.sampled_from(INNOCENTS)), SECRETS, SURROUNDINGS)
def test_redacting_twice_changes_nothing(before: str, made: tuple[str, list[str]], after: str) -> None:
    once = redact(f"{before} {made[0]} {after}")
    assert redact(once) == once


@given(st.text(max_size=300))
def test_any_text_can_be_redacted(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "token=" * 160_000,
        'password="' * 100_000,
        "%25" * 330_000,
        "\\" * 1_000_000,
        "QUJD" * 250_000,
        "-----BEGIN RSA PRIVATE KEY-----\n" * 30_000,
        "-----END RSA PRIVATE KEY-----\n" * 30_000,
        "https://a:b" * 90_000,
        "eyJhbGciOiJ" * 90_000,
        "Authorization: " * 66_000,
        "mysql " * 160_000,
        "token=[" * 140_000,
        "\n" * 1_000_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_a_hostile_text_does_not_hang(text: str) -> None:
    """Patterns are linear, and only so much of a text is looked at: quadratic ones would take hours here."""
    assert len(redact(text)) < 100_000


def test_text_around_a_secret_stays() -> None:
    token = "ghp" + "_" + "a1B2" * 9
    assert redact(f"request failed with {token} at step 3") == "request failed with [REDACTED] at step 3"


def test_a_secret_within_base64_of_a_secret_within_json_is_found() -> None:
    token = "glpat" + "-" + "x1Y2z3W4v5" * 2
    inner = base64.b64encode(json.dumps({"auth": token}).encode()).decode()
    shown = redact(quote(json.dumps({"state": inner}), safe=""))
    assert inner[8:40] not in shown
    assert token not in shown


def test_the_torn_last_word_of_a_stored_text_is_removed() -> None:
    """Stores of old cut a text first: its last word may be half of anything."""
    cut = ("words and words " * 300)[:4080] + " key p4ssw0rdpart"[:16]
    assert without_torn_word(cut).endswith("key …")
    assert without_torn_word("short p4ss") == "short p4ss"
