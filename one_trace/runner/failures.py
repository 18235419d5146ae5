"""The exceptions of a run: a failed step, a requested stop, a worker or reader that is gone."""

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


class WorkerGone(Exception):
    """The process that evaluates JavaScript has ended, with an exit code or by a signal."""

    def __init__(self, *, exit_code: int | None = None, signal: int | None = None) -> None:
        super().__init__(exit_code, signal)
        self.exit_code = exit_code
        self.signal = signal


class WorkerBroken(Exception):
    """An operation failed that must not fail: a defect of ours, or a value too large to hold."""


class ReaderGone(Exception):
    """Nobody reads standard output any more. One CLI then ends with code 1, and so do we."""
