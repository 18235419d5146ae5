"""Finds the run that a reference means."""

from __future__ import annotations

from functools import partial

from one_trace.analyse.run_refs import resolve
from one_trace.store import Store
from one_trace.store.connection import Connection

_ENDED = "coalesce(ended_at, started_at)"
_SELECTED = {
    "last": f"ORDER BY {_ENDED} DESC, id DESC LIMIT 1",
    "prev": f"ORDER BY {_ENDED} DESC, id DESC LIMIT 1 OFFSET 1",
    "failed": f"AND status = 'error' ORDER BY {_ENDED} DESC, id DESC LIMIT 1",
    "best": "AND status = 'success' AND duration_ms >= 0 ORDER BY duration_ms, started_ms DESC LIMIT 1",
    "worst": "AND duration_ms >= 0 ORDER BY duration_ms DESC, started_ms DESC LIMIT 1",
}
"""For each of `run_refs.SELECTORS`."""


def find(store: Store, ref: str, project: str | None = None) -> str:
    """The key of the run that `ref` means in a project (its folder). Raises NoSuchRun."""
    return resolve(ref, partial(_select, store.connection, project), store.find)


def _select(db: Connection, project: str | None, flow: str | None, selector: str) -> str | None:
    """The key of the selected run: of this project if it has runs of the flow, and started by no other run if
    there are such."""
    sql = "SELECT 1 FROM runs WHERE cwd = ?1 AND (?2 IS NULL OR flow_key = ?2) LIMIT 1"
    here = project if project and db.execute(sql, (project, flow)).fetchone() is not None else None
    for parent in ("AND parent_run_id IS NULL", ""):
        row = db.execute(
            "SELECT run_id FROM runs WHERE (?1 IS NULL OR flow_key = ?1) AND (?2 IS NULL OR cwd = ?2)"
            f" {parent} {_SELECTED[selector]}",
            (flow, here),
        ).fetchone()
        if row is not None:
            return str(row[0])
    return None
