"""Duplicate ids, and selectors that refer to nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from one_trace.engine.schema import NESTED, TYPES, Json, steps_in
from one_trace.guard.files import FLOW_LIMIT, read_plain
from one_trace.runner.validate.problems import ValidationProblem, problem, texts_in

_TOKEN = re.compile(r"\$\.[a-zA-Z_][\w.\[\]*]*", re.ASCII)
_INTERPOLATED = re.compile(r"\{\{\s*(?:q\s+)?(\$\.[^}\s|]+)")
_EXPRESSIONS = (("condition", "expression"), ("while", "condition"))
_SELECTORS = "Selectors in data fields use dot-path resolution, not JS evaluation."
_OPERATORS = {
    "||": 'Use the "default" field on the input definition instead, or use a "code" step',
    "&&": 'Use a "condition" step or "code" step',
}


def check_ids(flow: dict[str, Any]) -> Iterator[ValidationProblem]:
    """Ids must be unique in a flow, nested steps included."""
    seen = set()
    for step, path in steps_in(flow["steps"]):
        if step["id"] in seen:
            yield problem(f"{path}.id", f'Duplicate step ID: "{step["id"]}"')
        seen.add(step["id"])


def check(flow: dict[str, Any], root: str | None) -> list[ValidationProblem]:
    """Selectors of inputs and steps that do not exist or come later."""
    return _References(flow, root).problems


class _References:
    def __init__(self, flow: dict[str, Any], root: str | None) -> None:
        self.problems: list[ValidationProblem] = []
        self._root = root
        self._inputs = set(flow["inputs"])
        self._ids = {step["id"] for step, _ in steps_in(flow["steps"])}
        self._list(flow["steps"], "steps", set())

    def _list(self, steps: list[Any], path: str, before: set[str]) -> set[str]:
        """Check a list of steps that run after those of `before`; the ids in it, nested ones included."""
        known = set(before)
        for i, step in enumerate(steps):
            known |= self._step(step, f"{path}[{i}]", known) | {step["id"]}
        return known - before

    def _step(self, step: dict[str, Any], path: str, before: set[str]) -> set[str]:
        for key in ("if", "unless"):
            self._selectors(step.get(key), f"{path}.{key}", before)
        for i, selector in enumerate(step["requires"] if isinstance(step.get("requires"), list) else []):
            if isinstance(selector, str) and selector.startswith("$."):
                self._selector(selector, f"{path}.requires[{i}]", before)
        kind = TYPES[step["type"]]
        config = step[kind.key]
        if not isinstance(config, dict):
            return set()
        if kind.name in ("transform", "code"):
            self._source(kind.name, config, f"{path}.{kind.key}", before)
        else:
            for name, field in kind.fields.items():
                if not field.steps and name in config:
                    self._field(kind.key, name, config[name], f"{path}.{kind.key}.{name}", before)
        inside: set[str] = set()
        for key, field_name in NESTED:
            if key == kind.key and isinstance(config.get(field_name), list):
                # the branches of a condition cannot refer to each other
                inside |= self._list(config[field_name], f"{path}.{key}.{field_name}", before)
        return inside

    def _field(self, key: str, name: str, value: Json, path: str, before: set[str]) -> None:
        self._selectors(value, path, before)
        if (key, name) not in _EXPRESSIONS:
            self._operators(value, path)

    def _source(self, kind: str, config: dict[str, Any], path: str, before: set[str]) -> None:
        field = "source" if kind == "code" else "expression"
        if isinstance(config.get(field), str):
            self._selectors(config[field], f"{path}.{field}", before)
        module = config.get("module")
        if kind == "code" and self._root and isinstance(module, str) and module:
            try:
                text = read_plain(os.path.abspath(os.path.join(self._root, module)), FLOW_LIMIT)
            except OSError:
                return  # reported by the check of modules
            self._selectors(text.decode("utf-8", "replace"), f"{path}.module", before)

    def _selectors(self, value: Json, path: str, before: set[str]) -> None:
        for text, _ in texts_in(value, path):
            for selector in (*_TOKEN.findall(text), *_INTERPOLATED.findall(text)):
                self._selector(selector, path, before)

    def _selector(self, selector: str, path: str, before: set[str]) -> None:
        parts = selector.split(".")
        if len(parts) < 3:
            return
        name = parts[2]
        if parts[1] == "input" and name not in self._inputs:
            message = f'Selector "{selector}" references undefined input "{name}"'
            self.problems.append(problem(path, message))
        if parts[1] != "steps":
            return
        step = name.replace("[", "").replace("]", "")
        if step not in self._ids:
            message = f'Selector "{selector}" references undefined step "{step}"'
            self.problems.append(problem(path, message))
        elif step not in before:
            message = (
                f'Selector "{selector}" references step "{step}" which is declared after the current step. '
            )
            message += (
                "Steps execute in declaration order, so this will always resolve to undefined at runtime "
            )
            message += "— move the dependency earlier in the steps array."
            self.problems.append(problem(path, message))

    def _operators(self, value: Json, path: str) -> None:
        for text, where in texts_in(value, path):
            operator = next((one for one in _OPERATORS if one in text), None)
            if operator and text.startswith("$."):
                message = f'Selector "{text}" contains unsupported operator "{operator}". {_SELECTORS}'
                message += f" {_OPERATORS[operator]} for complex expressions."
                self.problems.append(problem(where, message))
