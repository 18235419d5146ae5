"""Code modules: whether their files exist and can be parsed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from one_trace.engine.schema import steps_in
from one_trace.guard.files import is_plain
from one_trace.runner.validate.problems import SyntaxCheck, ValidationProblem, problem


def check(flow: dict[str, Any], root: str, syntax: SyntaxCheck) -> Iterator[ValidationProblem]:
    """The problems of the modules that code steps name."""
    for step, path in steps_in(flow["steps"]):
        config = step.get("code")
        name = config.get("module") if step["type"] == "code" and isinstance(config, dict) else None
        if not name or not isinstance(name, str):
            continue
        file = os.path.abspath(os.path.join(root, name))
        where = f"{path}.code.module"
        if not os.path.exists(file) or not (is_plain(file) or os.path.isdir(file)):  # a FIFO would block Node
            yield problem(where, f'Code module "{name}" not found at {file}')
            continue
        error = syntax.file(file)
        if error is not None:
            yield problem(where, f'Syntax error in code module "{name}": {error}')
