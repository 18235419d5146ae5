"""`outputSchema`: what steps say they put out, held against the selectors that read it."""

from __future__ import annotations

import re
from typing import Any

from one_trace.runner.javascript import entries
from one_trace.runner.schema import NESTED, TYPES, Json
from one_trace.runner.validate.problems import Problem, every, lists_in, problem

_TYPES = ("string", "number", "boolean", "object", "array", "unknown")
_READS = re.compile(r"\$\.steps\.([a-zA-Z_][\w-]*)\.output((?:\.[a-zA-Z_][\w-]*)+)", re.ASCII)


def check(flow: dict[str, Any]) -> list[Problem]:
    """Declarations that are none, and fields that are read and not declared."""
    schemas = {
        step["id"]: step["outputSchema"]
        for step, _ in every(flow["steps"])
        if isinstance(step.get("outputSchema"), dict)
    }
    if not schemas:
        return []
    found = [one for step, schema in schemas.items() for one in _shape(schema, f'step "{step}".outputSchema')]
    _steps(flow["steps"], "steps", schemas, found)
    return found


def _shape(schema: dict[str, Any], path: str) -> list[Problem]:
    found: list[Problem] = []
    for key, value in entries(schema):
        where = f"{path}.{key}"
        if isinstance(value, dict):
            found += _shape(value, where)
        elif not isinstance(value, str):
            message = f'outputSchema field "{key}" must be a type string or a nested object'
            found.append(problem(where, message))
        elif value not in _TYPES:
            allowed = ", ".join(_TYPES)
            message = f'outputSchema field "{key}" has unknown type "{value}". Allowed: {allowed}.'
            found.append(problem(where, message))
    return found


def _declared(schema: dict[str, Any], path: list[str]) -> bool:
    here: Any = schema
    for name in path:
        if isinstance(here, str):
            return True  # nothing is said about what lies inside a value
        if name not in here:
            return False
        here = here[name]
        if not isinstance(here, dict) and here not in _TYPES:
            return False
    return True


def _steps(steps: list[Any], prefix: str, schemas: dict[str, Any], found: list[Problem]) -> None:
    for i, step in enumerate(steps):
        path = f"{prefix}[{i}]"
        for key in ("if", "unless"):
            _text(step.get(key), f"{path}.{key}", schemas, found)
        for r, selector in enumerate(step["requires"] if isinstance(step.get("requires"), list) else []):
            _text(selector, f"{path}.requires[{r}]", schemas, found)
        key = TYPES[step["type"]].key
        config = step[key]
        if isinstance(config, dict):
            for name, value in entries(config):
                if (key, name) not in NESTED:
                    _value(value, f"{path}.{key}.{name}", schemas, found)
        else:
            _value(config, f"{path}.{key}", schemas, found)
        for inner, inner_path in lists_in(step, path):
            _steps(inner, inner_path, schemas, found)


def _value(value: Json, path: str, schemas: dict[str, Any], found: list[Problem]) -> None:
    if isinstance(value, list):
        for i, inner in enumerate(value):
            _value(inner, f"{path}[{i}]", schemas, found)
    elif isinstance(value, dict):
        for key, inner in entries(value):
            _value(inner, f"{path}.{key}", schemas, found)
    else:
        _text(value, path, schemas, found)


def _text(text: Json, path: str, schemas: dict[str, Any], found: list[Problem]) -> None:
    for read in _READS.finditer(text) if isinstance(text, str) else ():
        step, fields = read[1], read[2][1:].split(".")
        if step in schemas and not _declared(schemas[step], fields):
            message = (
                f'Selector "{read[0]}" references field "{".".join(fields)}" which is not declared in step '
            )
            message += (
                f'"{step}".outputSchema. Either fix the field name or update the outputSchema declaration.'
            )
            found.append(problem(path, message))
