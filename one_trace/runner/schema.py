"""What a flow file may hold: the step types and their fields, as the host checks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Json: TypeAlias = Any
"""Whatever may stand in a flow file: nothing is known of it until it has been looked at."""

Kind = Literal["string", "number", "boolean", "object", "array", "unknown"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a step's configuration. `steps`: it holds a list of steps."""

    kind: Kind
    required: bool = False
    steps: bool = False


@dataclass(frozen=True, slots=True)
class StepType:
    """A step type, and under which key of the step its configuration stands."""

    name: str
    key: str
    fields: dict[str, Field]


_TEXT = Field("string")
_NEEDED = Field("string", required=True)
_OBJECT = Field("object")
_NUMBER = Field("number")
_FLAG = Field("boolean")
_STEPS = Field("array", required=True, steps=True)

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
    "action": Field("object", required=True),
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
            {"expression": _NEEDED, "then": _STEPS, "else": Field("array", steps=True)},
        ),
        StepType("loop", "loop", _LOOP),
        StepType("parallel", "parallel", {"steps": _STEPS, "maxConcurrency": _NUMBER}),
        StepType("file-read", "fileRead", {"path": _NEEDED, "parseJson": _FLAG}),
        StepType(
            "file-write",
            "fileWrite",
            {"path": _NEEDED, "content": Field("unknown", required=True), "append": _FLAG},
        ),
        StepType("while", "while", {"condition": _NEEDED, "steps": _STEPS, "maxIterations": _NUMBER}),
        StepType("flow", "flow", {"key": _NEEDED, "inputs": _OBJECT}),
        StepType("paginate", "paginate", _PAGINATE),
        StepType("bash", "bash", _BASH),
    )
}
"""Step types by name, in the order the host names them in."""

NESTED: tuple[tuple[str, str], ...] = tuple(
    (kind.key, name) for kind in TYPES.values() for name, field in kind.fields.items() if field.steps
)
"""Where steps lie inside steps: (key of the configuration, field)."""

REMOTE = ("action", "paginate")
"""Types that only One's own service can run."""
STRATEGIES = ("fail", "continue", "retry", "fallback")
INPUT_TYPES = ("string", "number", "boolean", "object", "array")
