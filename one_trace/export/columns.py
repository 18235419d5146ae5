"""Columns of a table in few bytes of JSON, for pages that unpack them (`unpack` in base.js).

A column is a plain list, ``{"r": [value, count, ...]}`` (runs of equal values), or ``{"d": column}`` (each
value less the one before). A sparse one is ``{"i": column of places, "v": column of values}``.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from one_trace.guard.text import json_bytes


def packed(values: Sequence[Any]) -> Any:  # noqa: ANN401  one of the forms above
    """The shortest form of a column."""
    plain = list(values)
    forms: list[Any] = [plain, _runs(plain)]
    if plain and all(type(value) is int for value in plain):
        deltas = [plain[0], *(after - before for before, after in itertools.pairwise(plain))]
        forms += [{"d": deltas}, {"d": _runs(deltas)}]
    return min(forms, key=lambda form: len(json_bytes(form)))


def sparse(values: Sequence[Any]) -> Any:  # noqa: ANN401
    """A column in which most values are None, which are left out."""
    known = [(place, value) for place, value in enumerate(values) if value is not None]
    return {"i": packed([place for place, _ in known]), "v": packed([value for _, value in known])}


def _runs(values: Sequence[Any]) -> dict[str, Any]:
    runs: list[Any] = []
    for value in values:
        if runs and runs[-2] == value and type(runs[-2]) is type(value):
            runs[-1] += 1
        else:
            runs += [value, 1]
    return {"r": runs}
