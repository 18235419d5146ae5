"""`fileRead.schema`: whether it can be checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from one_trace.engine.javascript import entries
from one_trace.engine.schema import Json, steps_in
from one_trace.runner.validate.problems import ValidationProblem, problem

_TYPES = ("string", "number", "boolean", "object", "array", "null", "unknown")
_ALLOWED = f"Allowed: {', '.join(_TYPES)}."
_LENGTHS = ("minItems", "maxItems", "length")


def check(flow: dict[str, Any]) -> Iterator[ValidationProblem]:
    """The problems of each `fileRead.schema` of a flow."""
    for step, path in steps_in(flow["steps"]):
        config = step.get("fileRead")
        if step["type"] == "file-read" and isinstance(config, dict) and "schema" in config:
            where = f"{path}.fileRead.schema"
            if config.get("parseJson") is not True:
                message = "fileRead.schema is only checked when parseJson:true"
                yield problem(where, f"{message} — set parseJson:true or remove schema.")
            yield from _schema(config["schema"], where)


def _schema(schema: Json, path: str) -> Iterator[ValidationProblem]:
    if not isinstance(schema, dict):
        yield problem(path, '"schema" must be an object mapping field names to type/rules')
        return
    for field, rule in entries(schema):
        yield from _field(rule, f"{path}.{field}")


def _field(rule: Json, path: str) -> Iterator[ValidationProblem]:
    if isinstance(rule, str):
        if rule not in _TYPES:
            yield problem(path, f'unknown type "{rule}". {_ALLOWED}')
    elif not isinstance(rule, dict):
        example = '{ "type": "string", "required": true }'
        yield problem(path, f"field rule must be a type string or an object (e.g. {example})")
    else:
        for check in (_type, _enum, _lengths, _items, _properties):
            yield from check(rule, path)


def _type(rule: dict[str, Any], path: str) -> Iterator[ValidationProblem]:
    kind = rule.get("type")
    if "type" in rule and not (isinstance(kind, str) and kind in _TYPES):
        yield problem(f"{path}.type", f'unknown type "{_string(kind)}". {_ALLOWED}')
    if "required" in rule and not isinstance(rule["required"], bool):
        yield problem(f"{path}.required", '"required" must be a boolean')


def _string(value: Json) -> str:
    """Like JavaScript's String()."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "[object Object]"
    if isinstance(value, list):
        return ",".join("" if one is None else _string(one) for one in value)
    return json.dumps(value)


def _enum(rule: dict[str, Any], path: str) -> Iterator[ValidationProblem]:
    if "enum" not in rule:
        return
    if not isinstance(rule["enum"], list) or not rule["enum"]:
        yield problem(f"{path}.enum", '"enum" must be a non-empty array of allowed values')
    elif any(isinstance(one, list | dict) for one in rule["enum"]):
        message = '"enum" entries must be primitives (string/number/boolean) or null'
        yield problem(f"{path}.enum", message)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _lengths(rule: dict[str, Any], path: str) -> Iterator[ValidationProblem]:
    for name in _LENGTHS:
        if name in rule and not (
            _is_number(rule[name]) and rule[name] >= 0 and rule[name] == int(rule[name])
        ):
            yield problem(f"{path}.{name}", f'"{name}" must be a non-negative integer')
    least, most = rule.get("minItems"), rule.get("maxItems")
    if _is_number(least) and _is_number(most) and least > most:  # type: ignore[operator]
        yield problem(f"{path}.minItems", '"minItems" must be <= "maxItems"')
    if "length" in rule and ("minItems" in rule or "maxItems" in rule):
        yield problem(f"{path}.length", '"length" cannot be combined with "minItems"/"maxItems"')
    if any(name in rule for name in ("items", *_LENGTHS)) and rule.get("type") != "array":
        yield problem(f"{path}.type", '"items"/"minItems"/"maxItems"/"length" require "type": "array"')


def _items(rule: dict[str, Any], path: str) -> Iterator[ValidationProblem]:
    items, where = rule.get("items"), f"{path}.items"
    if isinstance(items, str):
        if items not in _TYPES:
            yield problem(where, f'unknown item type "{items}". {_ALLOWED}')
    elif isinstance(items, dict):
        yield from _field(items, where)
    elif "items" in rule:
        yield problem(where, '"items" must be a type string or a field rule object')


def _properties(rule: dict[str, Any], path: str) -> Iterator[ValidationProblem]:
    if "properties" not in rule:
        return
    where = f"{path}.properties"
    if rule.get("type") != "object":
        yield problem(where, '"properties" requires "type": "object"')
    yield from _schema(rule["properties"], where)
