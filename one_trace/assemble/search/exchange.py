"""Two executions in each other's place: what are the choices of a reading then?

A choice names executions by their paths, so that to exchange two is to exchange the paths in the labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from one_trace.assemble.ground.choices import Choice, Key, Picks
from one_trace.assemble.ground.executions import Execution, lineage, outwards

_BEHIND = ("", " ", "[", "#")
"""What may stand behind the path of what goes on."""
MEETINGS = 4
"""So many of the choices at which two may be exchanged are tried."""
Arms: TypeAlias = tuple[str, str]
"""The paths of two executions, or of what they are in, that are exchanged."""


def exchanged(choices: Sequence[Choice], one: Execution, other: Execution) -> Iterator[Picks]:
    """All choices, with two of the same steps in each other's place: them alone, or all that runs beside
    them; from where they may be exchanged, the last time before the first of them ends, or the time before;
    until they may be exchanged again after both have ended, or for good."""
    ends = sorted(each.lines[1] for each in (one, other))
    for both in scopes(one, other):
        meetings = [index for index, choice in enumerate(choices) if may_exchange(choice, both)]
        begins = [index for index in meetings if ends[0] < 0 or choices[index].key.at <= ends[0]]
        again = next((index for index in meetings if choices[index].key.at > ends[1] >= 0), len(choices))
        as_made = [(choice.key, choice.chosen.label) for choice in choices]
        changed = [exchange(choice, both) for choice in choices]
        for begin in begins[: -1 - MEETINGS : -1]:
            for end in dict.fromkeys((again, len(choices))):
                yield dict([*as_made[:begin], *changed[begin:end], *as_made[end:]])
        if meetings:
            yield dict(changed)


def scopes(one: Execution, other: Execution) -> Iterator[Arms]:
    """The paths of the two, and of what they are in, as far as they have to be exchanged; the innermost
    first."""
    first, second = one.path.split(" > "), other.path.split(" > ")
    while first and second and first != second:
        yield " > ".join(first), " > ".join(second)
        inner, beside = first.pop(), second.pop()
        if inner != beside:
            return
        if inner.endswith("]"):  # all iterations
            whole = inner[: inner.rindex("[")]
            yield " > ".join([*first, whole]), " > ".join([*second, whole])


def insides(one: Execution, other: Execution) -> Iterator[Arms]:
    """What runs in what the two are in, without that itself: where that was timed out, it goes on alone."""
    for around in zip(outwards(one), outwards(other), strict=False):
        if around[0] is around[1] or around[0].node is not around[1].node:
            return
        if any(each.status in ("timeout", "error") or each.again for each in around):
            yield f"{around[0].path} >", f"{around[1].path} >"


def may_exchange(choice: Choice, both: Arms) -> bool:
    """Whether it is one between the two."""
    labels = {each.label for each in choice.candidates}
    return any(renamed(label, *both) in labels - {label} for label in labels)


def exchange(choice: Choice, both: Arms) -> tuple[Key, str]:
    """A choice, with these two in each other's place."""
    kind, at, which = choice.key
    of = renamed(which, *both) if isinstance(which, str) else which
    return Key(kind, at, of), renamed(choice.chosen.label, *both)


def arms(one: Execution, other: Execution, at: int | None = None) -> Arms | None:
    """The paths of the two, without what is the same at their ends. What was over before line `at` goes on
    alone."""
    orphaned = _orphaned(one, other, at) if at is not None else None
    if orphaned is not None:
        return orphaned[0].path, orphaned[1].path
    first, second = one.path.split(" > "), other.path.split(" > ")
    while first and second and first[-1] == second[-1]:
        first.pop()
        second.pop()
    both = " > ".join(first), " > ".join(second)
    return both if all(both) and both[0] != both[1] else None


def _orphaned(one: Execution, other: Execution, at: int) -> tuple[Execution, Execution] | None:
    """The innermost around the two that were over by then."""
    for pair in zip(lineage(one), lineage(other), strict=False):
        if pair[0] is pair[1] or pair[0].node is not pair[1].node:
            return None
        if any(0 <= each.lines[1] < at for each in pair):
            return pair
    return None


def renamed(label: str, one: str, other: str) -> str:
    """A label or a path, with the one path in it instead of the other."""
    for here, there in ((one, other), (other, one)):
        at = label.find(here)
        if at >= 0 and label[at + len(here) :][:1] in _BEHIND:
            return label[:at] + there + label[at + len(here) :]
    return label
