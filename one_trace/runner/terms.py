"""The few things that the parts of the engine hand each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from one_trace.runner.worker import Handle


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a flow is to be run."""

    dry_run: bool = False
    mock: bool = False
    allow_bash: bool = False
    stop_after: str | None = None

    @property
    def dry_resolve(self) -> bool:
        return self.dry_run and not self.mock


@dataclass(frozen=True, slots=True)
class FlowScope:
    """The flow that a list of steps belongs to."""

    key: str
    root: str
    stack: tuple[str, ...] = ()
    default_on_error: Any = None


@dataclass(slots=True)
class StepResult:
    """How a step ended; the worker holds what it came to."""

    handle: Handle
    status: str
    duration_ms: int | None = None
    retries: int | None = None
