"""`outputSchema`: what steps declare as their output, compared with the selectors that read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from one_trace.engine.javascript import entries
from one_trace.engine.schema import NESTED, TYPES, steps_in
from one_trace.runner.validate.problems import ValidationProblem, problem, texts_in

_TYPES = ("string", "number", "boolean", "object", "array", "unknown")
_READS = re.compile(r"\$\.steps\.([a-zA-Z_][\w-]*)\.output((?:\.[a-zA-Z_][\w-]*)+)", re.ASCII)


def check(flow: dict[str, Any]) -> list[ValidationProblem]:
    """Invalid declarations, and fields that are read but not declared."""
    schemas = {
        step["id"]: step["outputSchema"]
        for step, _ in steps_in(flow["steps"])
        if isinstance(step.get("outputSchema"), dict)
    }
    if not schemas:
        return []
    return [
        *(one for step, schema in schemas.items() for one in _schema(schema, f'step "{step}".outputSchema')),
        *(
            one
            for step, path in steps_in(flow["steps"])
            for text, where in _texts(step, path)
            for one in _undeclared(text, where, schemas)
        ),
    ]


def _schema(schema: dict[str, Any], path: str) -> Iterator[ValidationProblem]:
    for key, value in entries(schema):
        where = f"{path}.{key}"
        if isinstance(value, dict):
            yield from _schema(value, where)
        elif not isinstance(value, str):
            yield problem(where, f'outputSchema field "{key}" must be a type string or a nested object')
        elif value not in _TYPES:
            allowed = ", ".join(_TYPES)
            yield problem(
                where, f'outputSchema field "{key}" has unknown type "{value}". Allowed: {allowed}.'
            )


def _texts(step: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """The texts of a step in which selectors may stand, each with its path; not those of nested steps."""
    for key in ("if", "unless"):
        yield from texts_in(step.get(key), f"{path}.{key}")
    requires = step.get("requires")
    yield from texts_in(requires if isinstance(requires, list) else [], f"{path}.requires")
    key = TYPES[step["type"]].key
    config = step[key]
    if not isinstance(config, dict):
        yield from texts_in(config, f"{path}.{key}")
        return
    for name, value in entries(config):
        if (key, name) not in NESTED:
            yield from texts_in(value, f"{path}.{key}.{name}")


def _undeclared(text: str, path: str, schemas: dict[str, Any]) -> Iterator[ValidationProblem]:
    for read in _READS.finditer(text):
        step, fields = read[1], read[2][1:].split(".")
        if step in schemas and not _is_declared(schemas[step], fields):
            yield problem(
                path,
                f'Selector "{read[0]}" references field "{".".join(fields)}" which is not declared in step '
                f'"{step}".outputSchema. Either fix the field name or update the outputSchema declaration.',
            )


def _is_declared(schema: dict[str, Any], path: list[str]) -> bool:
    here: Any = schema
    for name in path:
        if isinstance(here, str):
            return True  # the inside of a value is not declared
        if name not in here:
            return False
        here = here[name]
        if not isinstance(here, dict) and here not in _TYPES:
            return False
    return True
