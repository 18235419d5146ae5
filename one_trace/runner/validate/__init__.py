"""Validation of a flow file: One CLI's checks, in its order and its words."""

from __future__ import annotations

from one_trace.engine.schema import Json
from one_trace.runner.validate import file_schemas, modules, output_schemas, references, shape
from one_trace.runner.validate.problems import SyntaxCheck, ValidationProblem

__all__ = ["Problem", "SyntaxCheck", "validate"]


def validate(flow: Json, root: str | None, syntax: SyntaxCheck) -> list[ValidationProblem]:
    """The problems of a flow. `root`: the folder of its code modules, which are not checked without it.

    A flow of the wrong shape has no other problems.
    """
    found = shape.check(flow, syntax)
    if found:
        return found
    found = [
        *references.check_ids(flow),
        *references.check(flow, root),
        *output_schemas.check(flow),
        *file_schemas.check(flow),
    ]
    return [*found, *modules.check(flow, root, syntax)] if root else found
