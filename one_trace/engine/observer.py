"""Hooks into a run, for input sizes and for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from one_trace.engine.failures import StepFailure
    from one_trace.engine.values import Handle


class Place:
    """Where a list of steps runs: in which attempt of which span, which iteration, which branch."""

    __slots__ = ("attempt", "branch", "iteration", "span")

    def __init__(
        self,
        span: int | None = None,
        attempt: int | None = None,
        iteration: int | None = None,
        branch: str | None = None,
    ) -> None:
        self.span, self.attempt, self.iteration, self.branch = span, attempt, iteration, branch


class Observer:
    """Called for every step execution. This one only numbers the spans."""

    _begun = 0

    def begin(self, step: dict[str, Any], flow_key: str, place: Place, index: int, *, events: bool) -> int:
        """A step begins; returns the number of its span, from 1."""
        self._begun += 1
        return self._begun

    def attempt(self, span: int, number: int) -> None:
        """An attempt begins."""

    def resolves(self, span: int, attempt: int, step: dict[str, Any], context: Handle) -> None:
        """An attempt is about to resolve its selectors; a while step does so in every iteration."""

    def end(
        self, span: int, status: str, result: Handle | None = None, failure: StepFailure | None = None
    ) -> None:
        """The step has ended. `failure`: what it threw, or was thrown in it."""
