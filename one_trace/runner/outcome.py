"""What an invocation of the runner comes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from one_trace.record.files import RunFiles


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an invocation ended. `files`: where a run was recorded, if one was."""

    exit_code: int
    files: RunFiles | None = None
