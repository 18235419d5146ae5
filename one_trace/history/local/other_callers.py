"""Reads which steps that never ran in a flow ran for another caller of the sub-flow that defines them."""

from __future__ import annotations

import msgspec

from one_trace.analyse.history import FlowHistory, StepKey
from one_trace.store.connection import Connection


def ran_for_others(db: Connection, flow: FlowHistory) -> set[StepKey]:
    """Of the steps that did not run, those that ran in the same project under another path: called by another
    step, or by another flow."""
    missing = flow.never_ran()
    if not missing:
        return set()
    rows = db.execute(
        "SELECT DISTINCT flow_key, step_id FROM steps WHERE flow_key IN (SELECT value FROM json_each(?1))"
        " AND (flow <> ?2 OR flow_key <> ?2) AND EXISTS (SELECT 1 FROM step_runs JOIN runs ON runs.id = run"
        " WHERE step = steps.id AND step_runs.spans > step_runs.skipped AND cwd IS ?3)",
        (msgspec.json.encode(sorted({key for key, _ in missing})).decode(), flow.flow_key, flow.project),
    )
    return {(key, step_id) for key, step_id in rows} & missing
