"""Code modules: whether their files are there and can be parsed."""

from __future__ import annotations

import os
from typing import Any

from one_trace.guard.files import is_plain
from one_trace.runner.validate.problems import Problem, SyntaxCheck, every, problem


def check(flow: dict[str, Any], root: str, syntax: SyntaxCheck) -> list[Problem]:
    """What is wrong with the modules that the code steps of a flow name."""
    found = []
    for step, path in every(flow["steps"]):
        config = step.get("code")
        name = config.get("module") if step["type"] == "code" and isinstance(config, dict) else None
        if not name or not isinstance(name, str):
            continue
        file = os.path.abspath(os.path.join(root, name))
        where = f"{path}.code.module"
        if not os.path.exists(file) or not (is_plain(file) or os.path.isdir(file)):  # a FIFO would block Node
            found.append(problem(where, f'Code module "{name}" not found at {file}'))
            continue
        why = syntax.file(file)
        if why is not None:
            found.append(problem(where, f'Syntax error in code module "{name}": {why}'))
    return found
