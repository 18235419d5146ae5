"""When was the state saved? What was done after that is not in it."""

from __future__ import annotations

from one_trace.assemble.live.facts import Facts
from one_trace.record.reading import Record

UNSAVED = ("Invalid string length", "Do not know how to serialize", "Converting circular structure")
"""What JSON.stringify throws when the host saves its state after a step."""


class Saves:
    """The saves of one run. `saved`: the line that the state was saved with last; -1: none."""

    def __init__(self, record: Record, facts: Facts) -> None:
        self.saved = -1
        self._state = record.state
        self._facts = facts
        self._of_steps: list[int] = []

    @property
    def was_cut_off(self) -> bool:
        return self._state is None or self._state.status not in ("completed", "failed")

    def last(self) -> int:
        """The line before which all that was done is in the state; -1 where the run was cut off."""
        if self.was_cut_off:
            return -1
        lines = self._facts.lines
        back = range(len(lines) - 1, -1, -1)
        return next((at for at in back if lines[at].event is None or self._saves_after(at)), -1)

    def completed(self, index: int) -> None:
        """A step has with this line."""
        if self._saves_after(index):
            self.saved = index
            self._of_steps.append(index)

    def check_killed(self) -> None:
        """A run that was killed between a line and the save that follows it."""
        saves = self._state.saves if self._state is not None and self.was_cut_off else None
        if saves is not None and saves < len(self._of_steps):
            self.saved = self._of_steps[saves - 1] if saves else -1

    def _saves_after(self, at: int) -> bool:
        """A step completes with this line, and the state could be saved then."""
        if self._facts.lines[at].event != "step:complete":
            return False
        failed = self._facts.fails_at_once(at)
        return failed is None or not (failed.error or "").startswith(UNSAVED)
