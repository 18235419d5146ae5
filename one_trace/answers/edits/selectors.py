"""References to results of steps in texts of a flow file, and what they give."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import NamedTuple

_NAME = r"[A-Za-z_]\w*"
_MEMBER = rf"\.{_NAME}|\[\s*(?:\d+|\"[^\"\]]*\"|'[^'\]]*')\s*\]"
_SELECTOR = re.compile(
    rf"\$\.(?:steps(?:\.({_NAME})|\[\s*(?:\"([^\"\]]*)\"|'([^'\]]*)')\s*\])|(input|loop)\b)((?:{_MEMBER})*)",
    re.ASCII,
)
_PART = re.compile(_MEMBER, re.ASCII)
_ASSIGNED = re.compile(
    rf"\b(?:const|let|var)\s+({_NAME}|\{{[^{{}}=]*\}})\s*=\s*((?:\$|{_NAME})(?:{_MEMBER})*)\s*(?=[;,\n]|\Z)",
    re.ASCII,
)
_DESTRUCTURED = re.compile(rf"({_NAME})\s*(?::\s*({_NAME}))?", re.ASCII)
_ROOT = re.compile(_NAME, re.ASCII)
_MOST_VARIABLES = 50
_OPTIONAL = re.compile(r"\s*(?:\?|\|\||&&)")
_OF_A_LIST = (
    "length at concat entries every filter find findIndex findLast flat flatMap forEach includes indexOf "
    "join keys map pop push reduce reverse shift slice some sort splice toString values"
)
"""What every array of JavaScript has."""
_OF_TEXT = (
    "length at charAt charCodeAt concat endsWith includes indexOf lastIndexOf localeCompare match matchAll "
    "normalize padEnd padStart repeat replace replaceAll search slice split startsWith substring toLowerCase "
    "toString toUpperCase trim trimEnd trimStart"
)
_MOST_FIELDS = 12
_LONGEST = 40
_DEEPEST = 4
_WIDEST = 2000


class Selector(NamedTuple):
    """A reference in the text of a `part` of a step: to the result of the step `step_id`, or, where `root` is
    `input` or `loop`, to what the flow or the loop was given."""

    text: str
    root: str
    step_id: str
    fields: tuple[str, ...]
    part: str
    line: int
    optional: bool
    """Whether the text has an answer to its being missing."""


class Missing(NamedTuple):
    """`field` is not there: of what there is, `kind` and `names`; `near`: other fields that may be meant."""

    above: str
    field: str
    kind: str
    names: list[str]
    near: list[str]


def selectors_in(part: str, text: str) -> Iterator[Selector]:
    """The references in a text, in order; in code, also those through variables that hold one."""
    text = _without_variables(text) if part == "code/source" else text
    for found in _SELECTOR.finditer(text):
        members = _PART.findall(found[5])
        behind, whole = text[found.end() : found.end() + 4], found[0]
        if behind.startswith("(") and members:
            whole = whole[: -len(members.pop())]  # a method
        fields = [_name(each) for each in members]
        yield Selector(
            text=whole,
            root=found[4] or "steps",
            step_id=found[1] or found[2] or found[3] or "",
            fields=tuple(fields),
            part=part,
            line=text.count("\n", 0, found.start()) + 1,
            optional=bool(_OPTIONAL.match(behind)),
        )


def _without_variables(source: str) -> str:
    """A source in which the expression stands for each variable that was given one, on the same lines."""
    holds: dict[str, str] = {}
    for found in list(_ASSIGNED.finditer(source))[:_MOST_VARIABLES]:
        names, expression = found[1], found[2]
        root = _ROOT.match(expression)
        if root is not None and root[0] in holds:
            expression = holds[root[0]] + expression[root.end() :]
        if not expression.startswith("$"):
            continue
        if names.startswith("{"):
            for one in _DESTRUCTURED.finditer(names):
                holds[one[2] or one[1]] = f"{expression}.{one[1]}"
        else:
            holds[names] = expression
    if not holds:
        return source
    use = re.compile(rf"(?<![\w$.'\"`])({'|'.join(map(re.escape, holds))})(?=\s*[.\[])", re.ASCII)
    return use.sub(lambda found: holds[found[1]], source)


def follow(value: object, fields: tuple[str, ...], above: str) -> tuple[object, Missing | None]:
    """The value at the end of some fields, or which of them is missing."""
    for field in fields:
        if isinstance(value, dict):
            if field not in value:
                return None, _missing(value, field, above)
            value = value[field]
        elif isinstance(value, list) and field.isdecimal():
            if int(field) >= len(value):
                return None, Missing(above, field, f"a list of {len(value)}", [], [])
            value = value[int(field)]
        else:
            known = _has(value, field)
            return None, None if known else Missing(above, field, kind_of(value), [], [])
        above = f"{above}.{field}"
    return value, None


def _has(value: object, field: str) -> bool:
    """Whether something that is no object may have a member of this name. A selector that is no code looks a
    name up in each item of a list."""
    if isinstance(value, list):
        return field in _OF_A_LIST.split() or any(isinstance(one, dict) and field in one for one in value[:1])
    return field in _OF_TEXT.split() if isinstance(value, str) else value is not None


def kind_of(value: object) -> str:
    if value is None:
        return "null"
    for types, word in ((dict, "an object"), (list, "a list"), (str, "text"), (bool, "true or false")):
        if isinstance(value, types):
            return word
    return "a number"


def near_names(name: str, names: Iterable[str]) -> list[str]:
    """The names that may be meant, closest first."""
    return get_close_matches(name, list(names)[:_WIDEST], n=2, cutoff=0.7)


def names_of(value: dict[str, object]) -> list[str]:
    """The names of an object's fields, cut for an answer."""
    return [name[:_LONGEST] for name in list(value)[:_MOST_FIELDS]]


def _missing(value: dict[str, object], field: str, above: str) -> Missing:
    near = [f"{above}.{name}" for name in near_names(field, value)]
    deeper = list(_deeper(value, field, above))
    if not near and not deeper and len(value) == 1:
        near = [f"{above}.{next(iter(value))}"[:200]]
    return Missing(above, field, "an object", names_of(value), (near + deeper)[:2])


def _deeper(value: dict[str, object], field: str, above: str) -> Iterator[str]:
    """Where a field of this name stands further inside."""
    level = [(f"{above}.{name}", inner) for name, inner in list(value.items())[:_WIDEST]]
    for _ in range(_DEEPEST):
        inside = [(path, inner) for path, inner in level if isinstance(inner, dict)]
        yield from (f"{path}.{field}" for path, inner in inside if field in inner)
        level = [
            (f"{path}.{name}", each) for path, inner in inside for name, each in list(inner.items())[:50]
        ]
        level = level[:_WIDEST]


def _name(member: str) -> str:
    return member[1:] if member.startswith(".") else member[1:-1].strip().strip("\"'")
