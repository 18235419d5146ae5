"""`--fields a,b.c`: which members of a document are printed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, inspect

from one_trace.errors import WrongUsage

KEPT = ("schema", "filter", "fields", "omitted", "next")
"""Members of every answer that are always printed."""
_NAMED = 12
"""Fields that a hint lists at most."""
_Wanted = dict[str, Any]
"""Members by name; an empty one selects all of the member."""


class Selection:
    """The members that `asked` names, separated by commas: each is a path such as ``run.status``, which
    goes through lists, or a name alone. None selects everything. Raises WrongUsage."""

    def __init__(self, document: type[Struct], asked: str | None) -> None:
        names = [] if asked is None else _split(asked)
        self.paths = [path for name in names for path in _resolved(document, name)]
        self._wanted: _Wanted = {}
        for path in self.paths:
            at = self._wanted
            for name in path.split("."):
                at = at.setdefault(name, {})

    def of(self, tree: dict[str, Any]) -> dict[str, Any]:
        """The selected members of a document, and in `fields` their paths."""
        if not self.paths:
            return tree
        kept = {name: tree[name] for name in KEPT if name in tree}
        return {**kept, "fields": self.paths, **_selected(tree, self._wanted)}


def _split(asked: str) -> list[str]:
    names = [name.strip() for name in asked.split(",") if name.strip()]
    if not names:
        raise WrongUsage("--fields names no field", hint="Separate the names by commas: --fields a,b.c")
    return names


def _selected(value: Any, wanted: _Wanted) -> Any:  # noqa: ANN401  whatever a document holds
    if isinstance(value, list):
        return [_selected(item, wanted) for item in value]
    if not wanted or not isinstance(value, dict):
        return value
    return {name: _selected(item, wanted[name]) for name, item in value.items() if name in wanted}


def _resolved(document: type[Struct], name: str) -> list[str]:
    """The full paths of a field: those that end in its name, nearest to the top."""
    if _exists(document, name):
        return [name]
    known = list(_paths(inspect.type_info(document)))
    ending = [path for path in known if path.endswith(f".{name}")]
    if not ending:
        raise WrongUsage(f"--fields: there is no field '{name}'", hint=_hint(name, known))
    nearest = min(path.count(".") for path in ending)
    return [path for path in ending if path.count(".") == nearest]


def _hint(name: str, known: list[str]) -> str:
    from difflib import get_close_matches

    last = {path.rpartition(".")[2]: path for path in reversed(known)}
    near = [last.get(match, match) for match in get_close_matches(name, [*last, *known], n=3)]
    if near:
        return f"Did you mean {' or '.join(dict.fromkeys(near))}?"
    top = [path for path in known if "." not in path]
    return f"Fields: {', '.join(top[:_NAMED])}. 'one trace schema' has them all."


def _exists(document: type[Struct], path: str) -> bool:
    types = [inspect.type_info(document)]
    for name in path.split("."):
        types = [inner for each in types for inner in _members(each, name)]
    return bool(types)


def _members(kind: inspect.Type, name: str) -> Iterator[inspect.Type]:
    """The types that a member of this name may have."""
    for each in _alternatives(kind):
        if isinstance(each, inspect.DictType):
            yield each.value_type
        elif isinstance(each, inspect.StructType):
            yield from (field.type for field in each.fields if field.encode_name == name)


def _paths(kind: inspect.Type) -> Iterator[str]:
    for each in _alternatives(kind):
        if isinstance(each, inspect.StructType):
            for field in each.fields:
                yield field.encode_name
                yield from (f"{field.encode_name}.{path}" for path in _paths(field.type))


def _alternatives(kind: inspect.Type) -> Iterator[inspect.Type]:
    """The types of a value, or of the items of a list."""
    if isinstance(kind, inspect.UnionType):
        for each in kind.types:
            yield from _alternatives(each)
    elif isinstance(kind, inspect.ListType):
        yield from _alternatives(kind.item_type)
    else:
        yield kind
