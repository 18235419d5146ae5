"""What may look into a run from outside: nothing in earnest, the true tree and made-up durations in tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from one_trace.runner.loop import Loop
    from one_trace.runner.worker import Handle


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list of steps runs: in which span and attempt of it, which iteration, which branch."""

    span: int | None = None
    attempt: int | None = None
    iteration: int | None = None
    branch: str | None = None


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the body of a step does in a test: it takes a while, then gives a value or throws."""

    duration_ms: float = 0
    output: Any = None
    error: str | None = None


class Observer:
    """Told of every step execution. This one does nothing, but for numbering the spans."""

    _begun = 0

    def begin(self, step: dict[str, Any], flow_key: str, place: Place, index: int, *, events: bool) -> int:
        """A step begins; the number of its span, from 1."""
        self._begun += 1
        return self._begun

    def attempt(self, span: int, number: int) -> None:
        """An attempt of it begins."""

    def resolves(self, span: int, attempt: int, step: dict[str, Any], context: Handle) -> None:
        """An attempt is about to look up what its selectors lead to; that of a while does at every turn."""

    def end(
        self,
        span: int,
        status: str,
        result: Handle | None = None,
        *,
        raised: bool = False,
        timeout: bool = False,
    ) -> None:
        """It is over. `timeout`: it threw its own time-out."""

    def behaviour(self, step: dict[str, Any], span: int, attempt: int) -> Behaviour | None:
        """What to do in the place of its body, if anything."""
        return None

    def watch(self, loop: Loop) -> None:
        """The loop of the run that begins."""
