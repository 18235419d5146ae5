"""Which run is meant: a run id, the beginning of one, ``last``, or ``FLOW@last``, ``@prev``, ``@failed``,
``@best``, ``@worst``. ``last`` and the words after ``@`` mean runs of the project that one is in, where it
has any, that no other run started.
"""

from __future__ import annotations

from one_trace.errors import NoSuchRun
from one_trace.guard.text import shell_word
from one_trace.store import Store
from one_trace.store.connection import Connection

RUNNING = "running"
"""The reference that means the run in progress."""
_ENDED = "coalesce(ended_at, started_at)"
WORDS = {
    "last": f"ORDER BY {_ENDED} DESC, id DESC LIMIT 1",
    "prev": f"ORDER BY {_ENDED} DESC, id DESC LIMIT 1 OFFSET 1",
    "failed": f"AND status = 'error' ORDER BY {_ENDED} DESC, id DESC LIMIT 1",
    "best": "AND status = 'success' AND duration_ms >= 0 ORDER BY duration_ms, started_ms DESC LIMIT 1",
    "worst": "AND duration_ms >= 0 ORDER BY duration_ms DESC, started_ms DESC LIMIT 1",
}
"""`best` is the quickest that succeeded, `worst` the slowest of all."""


def resolve(store: Store, ref: str, project: str | None = None) -> str:
    """The run id that `ref` means, seen from a project (its folder). Raises NoSuchRun."""
    flow, at, word = ref.rpartition("@")
    if ref == "last":
        found = _pick(store.connection, None, "last", project)
        return found if found is not None else store.find(ref)
    if not at or not flow:
        return store.find(ref)
    if word not in WORDS:
        known = ", ".join(f"{flow}@{name}" for name in WORDS)
        raise NoSuchRun(f"'{ref}' names no run", hint=f"Known are {known}.")
    found = _pick(store.connection, flow, word, project)
    if found is None:
        hint = f"one trace list --flow {shell_word(flow)}"
        raise NoSuchRun(f"no run of flow '{flow}' is its {word}", hint=hint)
    return found


def _pick(db: Connection, flow: str | None, word: str, project: str | None) -> str | None:
    """The run that a word means: of this project where it has any of the flow's, and of those that a user
    started where there are such."""
    here = project if project is not None and _any(db, flow, project) else None
    for parent in ("AND parent_run_id IS NULL", ""):
        row = db.execute(
            "SELECT run_id FROM runs WHERE (?1 IS NULL OR flow_key = ?1) AND (?2 IS NULL OR cwd = ?2)"
            f" {parent} {WORDS[word]}",
            (flow, here),
        ).fetchone()
        if row is not None:
            return str(row[0])
    return None


def _any(db: Connection, flow: str | None, project: str) -> bool:
    sql = "SELECT 1 FROM runs WHERE cwd = ?1 AND (?2 IS NULL OR flow_key = ?2) LIMIT 1"
    return db.execute(sql, (project, flow)).fetchone() is not None
