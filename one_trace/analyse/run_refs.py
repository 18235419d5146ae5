"""References to runs: a run id, the beginning of one, ``last``, or ``FLOW@last``, ``@prev``, ``@failed``,
``@best``, ``@worst``. ``last`` and the selectors after ``@`` prefer runs of the current project, and runs
that no other run started.
"""

from __future__ import annotations

from collections.abc import Callable

from one_trace.errors import NoSuchRun
from one_trace.guard.text import can_be_argument, shell_word
from one_trace.model.trace import Run

RUNNING = "running"
"""The reference that means the run in progress."""
SELECTORS = ("last", "prev", "failed", "best", "worst")
"""`last` and `prev` are by the end, `failed` is the last one with status error, `best` the fastest that
succeeded, `worst` the slowest of all."""
Select = Callable[[str | None, str], str | None]
"""From a flow (None: any) and a selector to the key of the run."""


def word_for(run: Run) -> str:
    """A shell word that means this run in every command: its id, or its trace id if the id would be read as
    an option or another reference, or cannot be typed.
    """
    reserved = run.run_id in ("last", RUNNING) or "@" in run.run_id
    return run.trace_id if reserved or not can_be_argument(run.run_id) else shell_word(run.run_id)


def resolve(ref: str, select: Select, find: Callable[[str], str]) -> str:
    """The key of the run that `ref` means. `find`: that of a run by its id, the beginning of one, or its
    trace id; raises NoSuchRun. Raises NoSuchRun.
    """
    flow, at, selector = ref.rpartition("@")
    if ref == "last":
        return select(None, "last") or find(ref)
    if not at or not flow:
        return _by_id(ref, select, find)
    if selector not in SELECTORS:
        selectors = ", ".join(f"{flow}@{name}" for name in SELECTORS)
        raise NoSuchRun(f"'{ref}' is not a run", hint=f"Use one of {selectors}.")
    key = select(flow, selector)
    if key is None:
        hint = f"one trace list --flow {shell_word(flow)}"
        raise NoSuchRun(f"flow '{flow}' has no run for @{selector}", hint=hint)
    return key


def _by_id(ref: str, select: Select, find: Callable[[str], str]) -> str:
    """As `find`, with a hint if `ref` is a flow."""
    try:
        return find(ref)
    except NoSuchRun as error:
        if select(ref, "last") is None:
            raise
        raise NoSuchRun(
            error.message, hint=f"'{ref}' is a flow: its last run is {shell_word(ref)}@last."
        ) from None
