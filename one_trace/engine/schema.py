"""What a flow file may contain: the step types and their fields, as One CLI checks them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, TypeAlias

Json: TypeAlias = Any
"""A value of a flow file that has not been checked yet."""

Kind = Literal["string", "number", "boolean", "object", "array", "unknown"]


class SchemaField(NamedTuple):
    """A field of a step's configuration. `steps`: it is a list of steps."""

    kind: Kind
    required: bool = False
    steps: bool = False


class StepType(NamedTuple):
    """A step type. `key`: the step's key that holds its configuration."""

    name: str
    key: str
    fields: dict[str, SchemaField]


_TEXT = SchemaField("string")
_NEEDED = SchemaField("string", required=True)
_OBJECT = SchemaField("object")
_NUMBER = SchemaField("number")
_FLAG = SchemaField("boolean")
_STEPS = SchemaField("array", required=True, steps=True)

_ACTION = {
    "platform": _NEEDED,
    "actionId": _NEEDED,
    "connection": _OBJECT,
    "connectionKey": _TEXT,
    "data": _OBJECT,
    "pathVars": _OBJECT,
    "queryParams": _OBJECT,
    "headers": _OBJECT,
}
_LOOP = {
    "over": _NEEDED,
    "as": _NEEDED,
    "indexAs": _TEXT,
    "steps": _STEPS,
    "maxIterations": _NUMBER,
    "maxConcurrency": _NUMBER,
}
_PAGINATE = {
    "action": SchemaField("object", required=True),
    "pageTokenField": _NEEDED,
    "resultsField": _NEEDED,
    "inputTokenParam": _NEEDED,
    "maxPages": _NUMBER,
}
_BASH = {
    "command": _NEEDED,
    "timeout": _NUMBER,
    "parseJson": _FLAG,
    "parseEnvelope": _FLAG,
    "cwd": _TEXT,
    "env": _OBJECT,
}

TYPES: dict[str, StepType] = {
    kind.name: kind
    for kind in (
        StepType("action", "action", _ACTION),
        StepType("transform", "transform", {"expression": _NEEDED}),
        StepType("code", "code", {"source": _TEXT, "module": _TEXT}),
        StepType(
            "condition",
            "condition",
            {"expression": _NEEDED, "then": _STEPS, "else": SchemaField("array", steps=True)},
        ),
        StepType("loop", "loop", _LOOP),
        StepType("parallel", "parallel", {"steps": _STEPS, "maxConcurrency": _NUMBER}),
        StepType("file-read", "fileRead", {"path": _NEEDED, "parseJson": _FLAG}),
        StepType(
            "file-write",
            "fileWrite",
            {"path": _NEEDED, "content": SchemaField("unknown", required=True), "append": _FLAG},
        ),
        StepType("while", "while", {"condition": _NEEDED, "steps": _STEPS, "maxIterations": _NUMBER}),
        StepType("flow", "flow", {"key": _NEEDED, "inputs": _OBJECT}),
        StepType("paginate", "paginate", _PAGINATE),
        StepType("bash", "bash", _BASH),
    )
}
"""Step types by name, in the order in which One CLI lists them."""

NESTED: tuple[tuple[str, str], ...] = tuple(
    (kind.key, name) for kind in TYPES.values() for name, field in kind.fields.items() if field.steps
)
"""Where steps are nested: (key of the configuration, field)."""
_MAY_NEST = frozenset(key for key, _ in NESTED)

REMOTE = ("action", "paginate")
"""Types that only One's own service can run."""
STRATEGIES = ("fail", "continue", "retry", "fallback")
INPUT_TYPES = ("string", "number", "boolean", "object", "array")


def steps_in(steps: object, path: str = "steps") -> Iterator[tuple[dict[str, Any], str]]:
    """Each step of a list and of the lists nested in it, parents first, with its path.

    What is not a step is skipped. Not recursive: flows may be nested deeply.
    """
    waiting = [_listed(steps, path)]
    while waiting:
        step, where = next(waiting[-1], (None, ""))
        if step is None:
            waiting.pop()
            continue
        yield step, where
        if not _MAY_NEST.isdisjoint(step):
            waiting.append(_nested(step, where))


def _nested(step: dict[str, Any], path: str) -> Iterator[tuple[dict[str, Any], str]]:
    for key, field in NESTED:
        config = step.get(key)
        if isinstance(config, dict):
            yield from _listed(config.get(field), f"{path}.{key}.{field}")


def _listed(steps: object, path: str) -> Iterator[tuple[dict[str, Any], str]]:
    for i, step in enumerate(steps if isinstance(steps, list) else []):
        if isinstance(step, dict):
            yield step, f"{path}[{i}]"
