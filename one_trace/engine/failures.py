"""How a step or a flow ends other than with a result."""

from __future__ import annotations


class StepFailure(Exception):
    """A step threw. `code`: its `errorCode`, if any. `timeout`: its own `timeoutMs` was exceeded."""

    def __init__(self, message: str, *, code: object = None, timeout: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.timeout = timeout


class FlowStop(Exception):
    """`--stop-after` has reached its step. Not a failure: it ends the flow successfully."""

    def __init__(self, step_id: str) -> None:
        super().__init__(step_id)
        self.step_id = step_id
