"""The flow files of a flow with the edit that a finding proposes."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from one_trace.analyse.findings import Finding
from one_trace.analyse.patch import edit
from one_trace.analyse.whatif.replay import Definitions
from one_trace.model.trace import PlannedStep

_BLOCK = "in parallel"
"""The id of a block that an edit adds. It has no executions in the past, so it needs only to be free."""


def edited(flows: Definitions, finding: Finding, planned: PlannedStep | None) -> Definitions | None:
    """The flow files with the edit; None if the finding proposes none that can be made. `planned`: the step
    that the finding is about."""
    names = finding.evidence.get("steps") if finding.rule == "independent-steps" else None
    key = finding.action.flow_key if finding.action else planned.flow_key if planned and names else None
    if key is None or key not in flows:
        return None
    definition = copy.deepcopy(flows[key])
    if finding.action is not None:
        made = bool(edit(definition, finding.action))
    else:
        made = isinstance(names, list) and _in_parallel(definition, names)
    return {**flows, key: definition} if made else None


def _in_parallel(definition: dict[str, Any], ids: Sequence[str]) -> bool:
    """Put neighbours into a parallel block, where exactly one list has them."""
    found = [(steps, at) for steps in _lists(definition.get("steps")) for at in _at(steps, ids)]
    if len(found) != 1 or not ids:
        return False
    steps, at = found[0]
    block = {"id": _BLOCK, "name": _BLOCK, "type": "parallel"}
    steps[at : at + len(ids)] = [block | {"parallel": {"steps": steps[at : at + len(ids)]}}]
    return True


def _at(steps: list[Any], ids: Sequence[str]) -> Iterator[int]:
    names = [step.get("id") if isinstance(step, dict) else None for step in steps]
    for at in range(len(names) - len(ids) + 1):
        if names[at : at + len(ids)] == list(ids):
            yield at


def _lists(value: object) -> Iterator[list[Any]]:
    """Every list in a definition, at any depth."""
    todo = [value]
    while todo:
        node = todo.pop()
        if isinstance(node, list):
            yield node
            todo += node
        elif isinstance(node, dict):
            todo += node.values()
