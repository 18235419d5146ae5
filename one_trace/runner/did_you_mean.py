"""Suggestions for mistyped words, as Commander makes them."""

from __future__ import annotations

from collections.abc import Iterable

_FARTHEST = 3
_LEAST_ALIKE = 0.4


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``\\n(Did you mean --mock?)``, or an empty text if no known word is similar."""
    dashes = "--" if word.startswith("--") else ""
    word = word.removeprefix(dashes)
    nearest, best = [], _FARTHEST
    for candidate in dict.fromkeys(name.removeprefix(dashes) for name in known):
        if len(candidate) <= 1:
            continue
        distance = edits(word, candidate)
        longest = max(len(word), len(candidate))
        if (longest - distance) / longest <= _LEAST_ALIKE:
            continue
        if distance < best:
            nearest, best = [candidate], distance
        elif distance == best:
            nearest.append(candidate)
    names = ", ".join(f"{dashes}{name}" for name in sorted(nearest))
    if not nearest:
        return ""
    return f"\n(Did you mean {'one of ' if len(nearest) > 1 else ''}{names}?)"


def edits(a: str, b: str) -> int:
    """The Damerau-Levenshtein distance; an upper bound if the lengths differ too much."""
    if abs(len(a) - len(b)) > _FARTHEST:
        return max(len(a), len(b))
    rows = [list(range(len(b) + 1))]
    for i, letter in enumerate(a, start=1):
        row = [i]
        for j, other in enumerate(b, start=1):
            cost = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]
