"""The shape of a flow: its required fields, and the types of all fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from one_trace.engine.javascript import entries, truthy
from one_trace.engine.schema import INPUT_TYPES, STRATEGIES, TYPES, Json, SchemaField, StepType
from one_trace.runner.validate.problems import SyntaxCheck, ValidationProblem, problem

_KEBAB = re.compile(r"[a-z0-9][a-z0-9-]*[a-z0-9]")
_DRIVE = re.compile(r"[a-zA-Z]:[\\/]")
_STRATEGY = f"Error strategy must be one of: {', '.join(STRATEGIES)}"


def check(flow: Json, syntax: SyntaxCheck) -> list[ValidationProblem]:
    """The problems of a flow's fields and of each step's fields."""
    if isinstance(flow, list):
        flow = {}
    if not isinstance(flow, dict):
        return [problem("", "Flow must be a JSON object")]
    found = [*_head(flow), *_default(flow), *_inputs(flow.get("inputs"))]
    if not isinstance(flow.get("steps"), list):
        return [*found, problem("steps", 'Flow must have a "steps" array')]
    return found + _steps(flow["steps"], "steps", syntax)


def _head(flow: dict[str, Any]) -> Iterator[ValidationProblem]:
    if not _filled(flow, "key"):
        yield problem("key", 'Flow must have a string "key"')
    elif not _KEBAB.fullmatch(flow["key"]) and len(flow["key"]) > 1:
        yield problem("key", "Flow key must be kebab-case (lowercase letters, numbers, hyphens)")
    if not _filled(flow, "name"):
        yield problem("name", 'Flow must have a string "name"')
    for name in ("description", "version"):
        if name in flow and not isinstance(flow[name], str):
            yield problem(name, f'"{name}" must be a string')


def _default(flow: dict[str, Any]) -> Iterator[ValidationProblem]:
    if "defaultOnError" not in flow:
        return
    default = flow["defaultOnError"]
    if not isinstance(default, dict):
        yield problem(
            "defaultOnError", '"defaultOnError" must be an object (e.g. { "strategy": "continue" })'
        )
    elif default.get("strategy") not in STRATEGIES:
        yield problem("defaultOnError.strategy", _STRATEGY)


def _inputs(inputs: Json) -> Iterator[ValidationProblem]:
    if not isinstance(inputs, dict):
        yield problem("inputs", 'Flow must have an "inputs" object')
        return
    for name, declared in entries(inputs):
        yield from _input(f"inputs.{name}", declared)


def _input(path: str, declared: Json) -> Iterator[ValidationProblem]:
    if not isinstance(declared, dict):
        yield problem(path, "Input declaration must be an object")
        return
    if declared.get("type") not in INPUT_TYPES:
        yield problem(f"{path}.type", f"Input type must be one of: {', '.join(INPUT_TYPES)}")
    if "enum" in declared and (not isinstance(declared["enum"], list) or not declared["enum"]):
        yield problem(f"{path}.enum", '"enum" must be a non-empty array of allowed values')
    connection = declared.get("connection")
    if "connection" in declared and not isinstance(connection, dict | list):
        yield problem(f"{path}.connection", "Connection metadata must be an object")
    elif "connection" in declared and not _filled(connection, "platform"):
        yield problem(f"{path}.connection.platform", 'Connection must have a string "platform"')


def _filled(config: object, key: str) -> bool:
    value = config.get(key) if isinstance(config, dict) else None
    return isinstance(value, str) and value != ""


def _steps(steps: list[Any], prefix: str, syntax: SyntaxCheck) -> list[ValidationProblem]:
    return [one for i, step in enumerate(steps) for one in _step(step, f"{prefix}[{i}]", syntax)]


def _step(step: Json, path: str, syntax: SyntaxCheck) -> list[ValidationProblem]:
    if not isinstance(step, dict):
        return [problem(path, "Step must be an object")]
    found = [
        problem(f"{path}.{name}", f'Step must have a string "{name}"')
        for name in ("id", "name")
        if not _filled(step, name)
    ]
    kind = TYPES.get(step["type"]) if isinstance(step.get("type"), str) else None
    if kind is None:
        return [*found, problem(f"{path}.type", f"Step type must be one of: {', '.join(TYPES)}")]
    found += _requires(step, path)
    if isinstance(step.get("onError"), dict | list) and _strategy(step["onError"]) not in STRATEGIES:
        found.append(problem(f"{path}.onError.strategy", _STRATEGY))
    config = step.get(kind.key)
    if not isinstance(config, dict | list):
        message = f'{_title(kind.name)} step must have a "{kind.key}" config object{_flat_hint(step, kind)}'
        return [*found, problem(f"{path}.{kind.key}", message)]
    return found + _config(kind, config if isinstance(config, dict) else {}, f"{path}.{kind.key}", syntax)


def _strategy(on_error: Json) -> str | None:
    strategy = on_error.get("strategy") if isinstance(on_error, dict) else None
    return strategy if isinstance(strategy, str) else None


def _requires(step: dict[str, Any], path: str) -> Iterator[ValidationProblem]:
    requires = step.get("requires", [])
    path = f"{path}.requires"
    if not isinstance(requires, list):
        example = '["$.steps.foo.output.bar"]'
        yield problem(path, f'"requires" must be an array of selector strings (e.g. {example})')
        return
    for i, selector in enumerate(requires):
        if not isinstance(selector, str):
            yield problem(f"{path}[{i}]", '"requires" entry must be a selector string')
        elif not selector.startswith("$."):
            must = 'must be a selector starting with "$." (e.g. "$.steps.foo.output.bar")'
            yield problem(f"{path}[{i}]", f'"requires" entry "{selector}" {must}')


def _flat_hint(step: dict[str, Any], kind: StepType) -> str:
    flat = [name for name, field in kind.fields.items() if field.required and name in step]
    if not flat:
        return ""
    names = '", "'.join(flat)
    return f'. Hint: "{names}" must be nested inside "{kind.key}": {{ ... }}, not placed directly on the step'


def _title(name: str) -> str:
    return name[:1].upper() + name[1:]


def _config(
    kind: StepType, config: dict[str, Any], path: str, syntax: SyntaxCheck
) -> list[ValidationProblem]:
    found = []
    for name, field in kind.fields.items():
        where = f"{path}.{name}"
        value = config.get(name)
        if field.required and (value is None or value == ""):
            article = "a string" if field.kind == "string" else "a"
            found.append(problem(where, f'{_title(kind.name)} must have {article} "{name}"'))
        elif name in config:
            found += _value(kind, name, field, value, where, syntax)
    if kind.name == "action":
        found += _connection(config, path)
    if kind.name == "code":
        found += _code(config, path, syntax)
    return found


def _value(
    kind: StepType, name: str, field: SchemaField, value: Json, path: str, syntax: SyntaxCheck
) -> list[ValidationProblem]:
    found = []
    if field.kind == "string" and field.required and not isinstance(value, str):
        found.append(problem(path, f'"{name}" must be a string'))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if field.kind == "number" and (not is_number or value <= 0):
        found.append(problem(path, f"{name} must be a positive number"))
    if field.kind == "boolean" and not isinstance(value, bool):
        found.append(problem(path, f"{name} must be a boolean"))
    if field.steps:
        if isinstance(value, list):
            found += _steps(value, path, syntax)
        else:
            found.append(problem(path, f'"{name}" must be a steps array'))
    if kind.name == "paginate" and name == "action" and isinstance(value, dict):
        found += [
            problem(f"{path}.{part}", f'Action must have "{part}"')
            for part in ("platform", "actionId")
            if not truthy(value.get(part))
        ]
        found += _connection(value, path)
    return found


def _connection(action: dict[str, Any], path: str) -> Iterator[ValidationProblem]:
    has_key = action.get("connectionKey") not in (None, "")
    reference = action.get("connection")
    has_reference = isinstance(reference, dict) and _filled(reference, "platform")
    if has_key and has_reference:
        message = 'Action has both "connectionKey" and "connection" — set exactly one. '
        message += 'Prefer "connection: { platform, tag? }" so re-auth doesn\'t break the flow.'
        yield problem(path, message)
    elif not has_key and not has_reference:
        message = 'Action must set "connection: { platform: <name> }" (or legacy "connectionKey: <key>").'
        yield problem(path, message)
    elif isinstance(reference, dict) and has_reference:
        if "tag" in reference and not isinstance(reference["tag"], str):
            yield problem(f"{path}.connection.tag", '"connection.tag" must be a string when set')
        for key, _ in entries(reference):
            if key not in ("platform", "tag"):
                message = f'Unknown field "{key}" in connection ref. Allowed: platform, tag.'
                yield problem(f"{path}.connection.{key}", message)


def _code(config: dict[str, Any], path: str, syntax: SyntaxCheck) -> Iterator[ValidationProblem]:
    source, module = _filled(config, "source"), _filled(config, "module")
    if not source and not module:
        either = 'either "source" (inline JS) or "module" (path to .mjs file)'
        yield problem(path, f"Code step must define {either}")
    elif source and module:
        yield problem(path, 'Code step cannot define both "source" and "module" — pick one')
    if module:
        yield from _module(config["module"], f"{path}.module")
    error = syntax.source(config["source"]) if source else None
    if error is not None:
        yield problem(f"{path}.source", f"Syntax error in code step: {error}")


def _module(name: str, path: str) -> Iterator[ValidationProblem]:
    if name.startswith("/") or _DRIVE.match(name):
        yield problem(path, "Code module path must be relative to the flow folder (no absolute paths)")
    elif ".." in re.split(r"[\\/]", name):
        yield problem(path, 'Code module path must not escape the flow folder ("..")')
    elif not name.endswith(".mjs"):
        yield problem(path, "Code module must be a .mjs file")
