"""`fileRead.schema`: whether it says something that can be checked."""

from __future__ import annotations

import json
from typing import Any

from one_trace.runner.javascript import entries
from one_trace.runner.schema import Json
from one_trace.runner.validate.problems import Problem, every, problem

_TYPES = ("string", "number", "boolean", "object", "array", "null", "unknown")
_ALLOWED = f"Allowed: {', '.join(_TYPES)}."
_LENGTHS = ("minItems", "maxItems", "length")


def check(flow: dict[str, Any]) -> list[Problem]:
    """What is wrong with each `fileRead.schema` of a flow."""
    found: list[Problem] = []
    for step, path in every(flow["steps"]):
        config = step.get("fileRead")
        if step["type"] == "file-read" and isinstance(config, dict) and "schema" in config:
            where = f"{path}.fileRead.schema"
            if config.get("parseJson") is not True:
                message = "fileRead.schema is only checked when parseJson:true"
                message += " — set parseJson:true or remove schema."
                found.append(problem(where, message))
            found += _schema(config["schema"], where)
    return found


def _schema(schema: Json, path: str) -> list[Problem]:
    if not isinstance(schema, dict):
        return [problem(path, '"schema" must be an object mapping field names to type/rules')]
    return [one for field, rule in entries(schema) for one in _field(rule, f"{path}.{field}")]


def _field(rule: Json, path: str) -> list[Problem]:
    if isinstance(rule, str):
        return [] if rule in _TYPES else [problem(path, f'unknown type "{rule}". {_ALLOWED}')]
    if not isinstance(rule, dict):
        example = '{ "type": "string", "required": true }'
        return [problem(path, f"field rule must be a type string or an object (e.g. {example})")]
    return [
        *_plain(rule, path),
        *_enum(rule, path),
        *_lengths(rule, path),
        *_items(rule, path),
        *_properties(rule, path),
    ]


def _plain(rule: dict[str, Any], path: str) -> list[Problem]:
    found = []
    kind = rule.get("type")
    if "type" in rule and not (isinstance(kind, str) and kind in _TYPES):
        said = kind if isinstance(kind, str) else _string(kind)
        found.append(problem(f"{path}.type", f'unknown type "{said}". {_ALLOWED}'))
    if "required" in rule and not isinstance(rule["required"], bool):
        found.append(problem(f"{path}.required", '"required" must be a boolean'))
    return found


def _string(value: Json) -> str:
    """As JavaScript's String() of what is no string."""
    if isinstance(value, dict):
        return "[object Object]"
    if isinstance(value, list):
        return ",".join("" if one is None else one if isinstance(one, str) else _string(one) for one in value)
    return json.dumps(value)


def _enum(rule: dict[str, Any], path: str) -> list[Problem]:
    if "enum" not in rule:
        return []
    if not isinstance(rule["enum"], list) or not rule["enum"]:
        return [problem(f"{path}.enum", '"enum" must be a non-empty array of allowed values')]
    if any(isinstance(one, list | dict) for one in rule["enum"]):
        message = '"enum" entries must be primitives (string/number/boolean) or null'
        return [problem(f"{path}.enum", message)]
    return []


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _lengths(rule: dict[str, Any], path: str) -> list[Problem]:
    found = [
        problem(f"{path}.{name}", f'"{name}" must be a non-negative integer')
        for name in _LENGTHS
        if name in rule and not (_is_number(rule[name]) and rule[name] >= 0 and rule[name] == int(rule[name]))
    ]
    least, most = rule.get("minItems"), rule.get("maxItems")
    if _is_number(least) and _is_number(most) and least > most:  # type: ignore[operator]
        found.append(problem(f"{path}.minItems", '"minItems" must be <= "maxItems"'))
    if "length" in rule and ("minItems" in rule or "maxItems" in rule):
        found.append(problem(f"{path}.length", '"length" cannot be combined with "minItems"/"maxItems"'))
    if any(name in rule for name in ("items", *_LENGTHS)) and rule.get("type") != "array":
        message = '"items"/"minItems"/"maxItems"/"length" require "type": "array"'
        found.append(problem(f"{path}.type", message))
    return found


def _items(rule: dict[str, Any], path: str) -> list[Problem]:
    if "items" not in rule:
        return []
    items, where = rule["items"], f"{path}.items"
    if isinstance(items, str):
        return [] if items in _TYPES else [problem(where, f'unknown item type "{items}". {_ALLOWED}')]
    if isinstance(items, dict):
        return _field(items, where)
    return [problem(where, '"items" must be a type string or a field rule object')]


def _properties(rule: dict[str, Any], path: str) -> list[Problem]:
    if "properties" not in rule:
        return []
    where = f"{path}.properties"
    found = [] if rule.get("type") == "object" else [problem(where, '"properties" requires "type": "object"')]
    return found + _schema(rule["properties"], where)
