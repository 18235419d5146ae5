"""The table of weights: each says in a sentence why it speaks against a reading."""

from __future__ import annotations

import pytest

from one_trace.assemble.reading import weights

TABLE = {name: value for name, value in vars(weights).items() if isinstance(value, weights.Weight)}
pytestmark = pytest.mark.unit


def test_each_weight_has_points_and_a_reason_of_its_own() -> None:
    assert len({weight.why for weight in TABLE.values()}) == len(TABLE) > 30
    assert all(weight > 0 and " " in weight.why for weight in TABLE.values())


def test_what_cannot_be_weighs_more_than_all_that_tells_equals_apart() -> None:
    """A sum of small ones never outweighs one that contradicts."""
    small = sum(weight for weight in TABLE.values() if weight <= weights.RIVAL_ERRORS)
    assert small < weights.CONTRADICTS
