"""What goes wrong in a run: a step that fails, a stop that was asked for, a worker or reader that is gone."""

from __future__ import annotations


class StepFailure(Exception):
    """A step threw. `code` is its `errorCode`, if it has one; `timeout`: its own `timeoutMs` ran out."""

    def __init__(self, message: str, *, code: object = None, timeout: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.timeout = timeout


class FlowStop(Exception):
    """`--stop-after` has reached its step. No failure: it unwinds to the flow and ends it well."""

    def __init__(self, step_id: str) -> None:
        super().__init__(step_id)
        self.step_id = step_id


class WorkerGone(Exception):
    """The process that runs JavaScript has ended: by itself (`exit_code`), or by a signal (`signal`)."""

    def __init__(self, *, exit_code: int | None = None, signal: int | None = None) -> None:
        super().__init__(exit_code, signal)
        self.exit_code = exit_code
        self.signal = signal


class WorkerBroken(Exception):
    """The worker could not do what can always be done: a defect of ours, or a value it cannot hold."""


class ReaderGone(Exception):
    """Nobody reads our standard output any more. The host ends there with code 1, and so do we."""
