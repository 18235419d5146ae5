"""The types that the parts of the engine pass to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from one_trace.runner.worker import Handle


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of `flow execute` that the engine follows."""

    dry_run: bool = False
    mock: bool = False
    allow_bash: bool = False
    stop_after: str | None = None

    @property
    def dry_resolve(self) -> bool:
        return self.dry_run and not self.mock


@dataclass(frozen=True, slots=True)
class FlowScope:
    """The flow that a list of steps belongs to. `stack`: the keys of the flows that call it."""

    key: str
    root: str
    stack: tuple[str, ...] = ()
    default_on_error: Any = None


@dataclass(slots=True)
class StepResult:
    """How a step ended. The worker holds the value."""

    handle: Handle
    status: str
    duration_ms: int | None = None
    retries: int | None = None
