"""References to runs: a run id, the beginning of one, ``last``, or ``FLOW@last``, ``@prev``, ``@failed``,
``@best``, ``@worst``. ``last`` and the selectors after ``@`` prefer runs of the current project, and runs
that no other run started.
"""

from __future__ import annotations

from one_trace.errors import NoSuchRun
from one_trace.guard.text import can_be_argument, shell_word
from one_trace.model.trace import Run
from one_trace.store import Store
from one_trace.store.connection import Connection

RUNNING = "running"
"""The reference that means the run in progress."""
_ENDED = "coalesce(ended_at, started_at)"
SELECTORS = {
    "last": f"ORDER BY {_ENDED} DESC, id DESC LIMIT 1",
    "prev": f"ORDER BY {_ENDED} DESC, id DESC LIMIT 1 OFFSET 1",
    "failed": f"AND status = 'error' ORDER BY {_ENDED} DESC, id DESC LIMIT 1",
    "best": "AND status = 'success' AND duration_ms >= 0 ORDER BY duration_ms, started_ms DESC LIMIT 1",
    "worst": "AND duration_ms >= 0 ORDER BY duration_ms DESC, started_ms DESC LIMIT 1",
}
"""`best` is the fastest that succeeded, `worst` the slowest of all."""


def word_for(run: Run) -> str:
    """A shell word that means this run in every command: its id, or its trace id if the id would be read as
    an option or another reference, or cannot be typed.
    """
    reserved = run.run_id in ("last", RUNNING) or "@" in run.run_id
    return run.trace_id if reserved or not can_be_argument(run.run_id) else shell_word(run.run_id)


def _find(store: Store, ref: str) -> str:
    """As `Store.find`, with a hint if `ref` is a flow."""
    try:
        return store.find(ref)
    except NoSuchRun as error:
        if _select(store.connection, ref, "last", None) is None:
            raise
        raise NoSuchRun(
            error.message, hint=f"'{ref}' is a flow: its last run is {shell_word(ref)}@last."
        ) from None


def resolve(store: Store, ref: str, project: str | None = None) -> str:
    """The run id that `ref` means in a project (its folder). Raises NoSuchRun."""
    flow, at, selector = ref.rpartition("@")
    if ref == "last":
        return _select(store.connection, None, "last", project) or store.find(ref)
    if not at or not flow:
        return _find(store, ref)
    if selector not in SELECTORS:
        selectors = ", ".join(f"{flow}@{name}" for name in SELECTORS)
        raise NoSuchRun(f"'{ref}' is not a run", hint=f"Use one of {selectors}.")
    run_id = _select(store.connection, flow, selector, project)
    if run_id is None:
        hint = f"one trace list --flow {shell_word(flow)}"
        raise NoSuchRun(f"flow '{flow}' has no run for @{selector}", hint=hint)
    return run_id


def _select(db: Connection, flow: str | None, selector: str, project: str | None) -> str | None:
    """The id of the selected run: of this project if it has runs of the flow, and started by no other run if
    there are such."""
    sql = "SELECT 1 FROM runs WHERE cwd = ?1 AND (?2 IS NULL OR flow_key = ?2) LIMIT 1"
    here = project if project and db.execute(sql, (project, flow)).fetchone() is not None else None
    for parent in ("AND parent_run_id IS NULL", ""):
        row = db.execute(
            "SELECT run_id FROM runs WHERE (?1 IS NULL OR flow_key = ?1) AND (?2 IS NULL OR cwd = ?2)"
            f" {parent} {SELECTORS[selector]}",
            (flow, here),
        ).fetchone()
        if row is not None:
            return str(row[0])
    return None
