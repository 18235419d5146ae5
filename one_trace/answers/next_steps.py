"""`next`: commands that are worth running after an answer, and work as they are."""

from __future__ import annotations

import re
from collections.abc import Iterable

from one_trace.analyse.run_refs import word_for
from one_trace.guard.text import can_be_argument, shell_word
from one_trace.model.trace import PlannedStep, Run

_FAILED = ("error", "incomplete")
_RESUMABLE = ("error", "stopped")
_HOST_ID = re.compile(r"[0-9a-f]{12}")
"""Of any other id the host takes the first run whose file name contains it."""


def after_run(run: Run, plan: Iterable[PlannedStep] = ()) -> list[str]:
    """What to run next, about one run. `plan`: all steps of its flow, if they are known."""
    commands = []
    if run.status != "success":
        only = " --failed" if run.status in _FAILED else ""
        commands.append(f"one --agent trace show {word_for(run)}{only}")
    if (run.counts.retries or run.counts.timeout) and can_be_argument(run.flow_key):
        commands.append(f"one --agent trace stats {shell_word(run.flow_key)}")
    if run.status == "success":
        commands.append(f"one --agent trace show {word_for(run)} --slow 10")
    return commands + _of_the_host(run, {step.type for step in plan})


def _of_the_host(run: Run, types: set[str]) -> list[str]:
    """One CLI's own commands about a run, in its folder: the outputs, and the resume where it is possible.

    A flow with a bash step cannot be resumed: `flow resume` has no ``--allow-bash``.
    """
    if not run.cwd or not can_be_argument(run.cwd) or not _HOST_ID.fullmatch(run.run_id):
        return []
    enter = f"cd {shell_word(run.cwd)} && one --agent flow"
    commands = []
    if run.executor.name == "one-cli":
        commands.append(f"{enter} inspect {run.run_id}")
    if run.status in _RESUMABLE and types and "bash" not in types:
        commands.append(f"{enter} resume {run.run_id} --trace")
    return commands
