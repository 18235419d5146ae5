"""Whether a document is valid against the schema that it names."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from one_trace.answers.documents import DOCUMENTS, as_printed, json_schema

try:
    from jsonschema import Draft202012Validator
except ImportError:  # without the extra `dev`, documents are held against the structs alone
    Draft202012Validator = None


def check_document(document: object) -> None:
    """Raise AssertionError for a document with members or types that its schema does not have."""
    name = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(name, str) or not name.startswith("one-trace"):
        return
    assert name in DOCUMENTS, f"{name} is in no list of documents"
    selected = "fields" in document
    if Draft202012Validator is not None:
        errors = [
            f"{error.json_path}: {error.message}"
            for error in _validator(name, selected).iter_errors(document)
        ]
        assert not errors, (name, errors[:3])
    elif not selected:
        assert any(_fits(document, as_printed(kind)) for kind in DOCUMENTS[name].types()), (name, document)


@cache
def _validator(name: str, selected: bool) -> Any:
    schema = json_schema(name)
    for definition in schema["$defs"].values():
        definition["additionalProperties"] = definition.get("additionalProperties", False)
        if selected:
            definition.pop("required", None)
    return Draft202012Validator(schema)


def _fits(document: object, kind: type[msgspec.Struct]) -> bool:
    try:
        struct = msgspec.convert(document, kind, strict=True)
    except msgspec.ValidationError:
        return "omitted" in document
    return _within(document, msgspec.to_builtins(struct))


def _within(part: object, whole: object) -> bool:
    """Whether `whole` has all members of `part`."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and _within(value, whole[key]) for key, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(map(_within, part, whole))
    return True
