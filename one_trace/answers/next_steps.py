"""`next`: commands that are worth running after an answer, and work as they are."""

from __future__ import annotations

from one_trace.analyse.run_refs import word_for
from one_trace.guard.text import can_be_argument, shell_word
from one_trace.model.trace import Run

_FAILED = ("error", "incomplete")


def after_run(run: Run) -> list[str]:
    """What to run next, about one run."""
    commands = []
    if run.status != "success":
        only = " --failed" if run.status in _FAILED else ""
        commands.append(f"one --agent trace show {word_for(run)}{only}")
    if (run.counts.retries or run.counts.timeout) and can_be_argument(run.flow_key):
        commands.append(f"one --agent trace stats {shell_word(run.flow_key)}")
    if run.status == "success":
        commands.append(f"one --agent trace show {word_for(run)} --slow 10")
    return commands
