"""An edit of a flow file, as documents tell it, and what an edit between two runs has changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from one_trace.model.trace import Location, PlannedStep

MOST = 5
_FIGURES = {
    "timeoutMs": "timeout_ms",
    "onError": "retries",
    "loop/maxConcurrency": "concurrency",
    "parallel/maxConcurrency": "concurrency",
}
"""Parts of a step whose values the plan has as figures."""


class Operation(Struct, kw_only=True):
    """One operation of RFC 6902."""

    op: str
    path: str
    value: Any


class Edit(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """Where to edit which step, and why. `kind`: what to do, a stable code such as ``fix-reference``;
    ``changed``: the part at `at` is not what it was before."""

    kind: str
    path: str
    at: Location | None = None
    text_line: int | None = None
    """The line (from 1) of the text at `at`, such as a step's source."""
    text: str
    patch: list[Operation] = []
    """The edit itself, where a program can make it."""


def changed(before: Mapping[str, PlannedStep], after: Mapping[str, PlannedStep]) -> Iterator[Edit]:
    """How the definition of a flow differs between two runs; nothing where one is not known."""
    if not before or not after:
        return
    for path, step in after.items():
        old = before.get(path)
        if old is None:
            yield Edit(kind="changed", path=path, at=step.at, text="this step is new")
        elif old.parts and step.parts:
            yield from _parts(old, step)
    for path, step in before.items():
        if path not in after:
            yield Edit(
                kind="changed", path=path, text=f"this step was taken out (a step of type {step.type})"
            )


def _parts(old: PlannedStep, new: PlannedStep) -> Iterator[Edit]:
    for part in dict.fromkeys([*new.parts, *old.parts]):
        if old.parts.get(part) == new.parts.get(part):
            continue
        at = new.at and Location(file=new.at.file, pointer=f"{new.at.pointer}/{part}")
        yield Edit(kind="changed", path=new.path, at=at, text=_text(part, old, new))


def _text(part: str, old: PlannedStep, new: PlannedStep) -> str:
    name = part.rpartition("/")[2]
    figure = _FIGURES.get(part)
    values = [getattr(step, figure) for step in (old, new)] if figure else [None, None]
    if values[0] != values[1]:
        label = "retries" if part == "onError" else name
        return f"{label} was {_figure(values[0])} and is {_figure(values[1])} now"
    if part not in old.parts:
        return f"{name} was added"
    return f"{name} was taken out" if part not in new.parts else f"{name} was changed"


def _figure(value: float | None) -> str:
    return "not set" if value is None else f"{value:g}"
