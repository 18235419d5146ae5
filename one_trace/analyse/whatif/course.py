"""Where a replay is: what the step that the engine runs now did in the past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from one_trace.analyse.whatif import past
from one_trace.analyse.whatif.past import Did, StaticPlace, Usual
from one_trace.engine.observer import Observer
from one_trace.engine.observer import Place as Inside
from one_trace.engine.values import Handle


@dataclass(slots=True)
class _Execution:
    step: dict[str, Any]
    place: past.Place
    below: past.Place
    """What the places of its children begin with."""
    did: Did | None
    turns: int = 0


@dataclass
class Course(Observer):
    """Finds the past of each step as it begins. `assumed`: something was not known, and taken to be as
    usual."""

    did: Mapping[past.Place, Did]
    usual: Mapping[StaticPlace, Usual]
    assumed: bool = False
    _executions: list[_Execution] = field(default_factory=list)
    _now: int = 0

    def begin(self, step: dict[str, Any], flow_key: str, place: Inside, index: int, *, events: bool) -> int:
        above = () if place.span is None else self._executions[place.span - 1].below
        where = past.place(above, str(step.get("id")), place.iteration, place.attempt)
        below = above if step.get("type") == "parallel" else where
        self._executions.append(_Execution(step, where, below, self.did.get(where)))
        self._now = len(self._executions)
        return self._now

    def attempt(self, span: int, number: int) -> None:
        self._now = span
        self._execution.turns = 0

    def resolves(self, span: int, attempt: int, step: dict[str, Any], context: Handle) -> None:
        self._now = span

    @property
    def _execution(self) -> _Execution:
        return self._executions[self._now - 1]

    @property
    def step(self) -> dict[str, Any]:
        return self._execution.step

    @property
    def skipped(self) -> bool:
        did = self._execution.did
        return did is not None and did.span.status == "skipped"

    @property
    def branch(self) -> str | None:
        known = self._known
        return known.branch if known is not None else None

    @property
    def called(self) -> str | None:
        known = self._known
        return known.called if known is not None else None

    @property
    def iterations(self) -> int:
        known = self._known
        return known.iterations if known is not None else 0

    def again(self) -> bool:
        """Whether the while step that the engine runs now turns once more."""
        execution = self._execution
        execution.turns += 1
        return execution.turns < self.iterations

    def of(self, span: int) -> tuple[Did | None, Usual | None]:
        """What the execution with this number did, and what its step usually does."""
        execution = self._executions[span - 1]
        return execution.did, self.usual.get(past.static(execution.place))

    @property
    def _known(self) -> Did | Usual | None:
        """What the step did, else what it usually does."""
        did, usual = self.of(self._now)
        self.assumed = self.assumed or did is None
        return usual if did is None else did
