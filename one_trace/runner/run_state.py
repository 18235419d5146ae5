"""A run's state file, which the worker writes: it holds the values."""

from __future__ import annotations

from typing import Any, Literal

from one_trace.engine.values import Handle
from one_trace.runner.node_values import NodeValues

Save = Literal["after steps", "after every step", "at the ends"]
"""When the file is written: after each step unless that would take most of the time, after each step in any
case, or only at the start and the end of the run.
"""


class RunState:
    """The state of one run. Raises StepFailure if JavaScript cannot serialise or write it."""

    def __init__(self, values: NodeValues, context: Handle, path: str, save: Save) -> None:
        self.save = save
        self._worker, self._context, self._path = values.worker, context, path
        self._handle = Handle(values, "states")

    def create(self, fields: dict[str, Any], inputs: Handle) -> None:
        self._worker.tell(
            "openState", self._handle.number, self._path, fields, self._context.number, inputs.number
        )

    def reopen(self, inputs: Handle) -> dict[str, Any]:
        """Read the file into the run's context and inputs; the other fields."""
        self._worker.ask("reopenState", self._handle.number, self._path, self._context.number)
        fields: dict[str, Any] = self._worker.ask("stateOf", self._handle.number)
        self._worker.tell("inputsOf", inputs.number, self._context.number, self._handle.number)
        return fields

    def write(self, *, unset: tuple[str, ...] = (), **fields: str) -> None:
        if unset:
            self._worker.tell("unset", self._handle.number, unset)
        self._worker.tell("set", self._handle.number, fields)
        self._worker.ask("write", self._handle.number)

    def started(self, step_id: str) -> None:
        self._worker.tell("current", self._handle.number, step_id)

    def completed(self, step_id: str, *, always: bool) -> None:
        """`always`: write the file now, whatever `save` says, unless it is "at the ends"."""
        if self.save == "at the ends":
            self._worker.tell("completed", self._handle.number, step_id)
        else:
            save = "after every step" if always else self.save
            self._worker.ask("completed", self._handle.number, step_id, save)
