"""What ends a run from outside: the worker or the reader is gone."""

from __future__ import annotations


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
