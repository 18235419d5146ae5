"""The history of a flow as one HTML file: outcomes and durations over time, findings, steps, cost a day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from one_trace.export.columns import packed, sparse
from one_trace.export.page import page
from one_trace.guard.text import cut_middle
from one_trace.model.times import to_ms
from one_trace.model.trace import RUN_STATUSES

MOST_RUNS = 2000
"""Runs on a page, the newest. The figures are of all."""
_LONGEST_PATH = 1000
"""Characters of a path: those of 5,000 flows within each other are 40 kB each, and nobody reads them."""
_STATUSES: dict[str, int] = {status: place for place, status in enumerate(RUN_STATUSES)}


class RunPoint(Struct, kw_only=True):
    """One run of the flow, as a point in its charts."""

    run_id: str
    status: str
    started_at: str
    duration_ms: float | None = None
    cost_usd: float | None = None
    version: str | None = None


def flow_page(runs: Sequence[RunPoint], *, stats: Struct, insights: Struct, cost: Struct) -> bytes:
    """The file. `runs` are the flow's, oldest first; the others are the documents of `trace stats`,
    `insights` and `cost` about it, `stats` with this one flow."""
    documents = {"stats": stats, "insights": insights, "cost": cost}
    data: dict[str, Any] = {name: msgspec.to_builtins(document) for name, document in documents.items()}
    key = data["insights"]["flowKey"]
    steps = [step for each in data["stats"]["flows"] for step in each["steps"]]
    for step in steps + data["insights"]["findings"]:
        step["path"] = cut_middle(step["path"], _LONGEST_PATH)
    spent = data["cost"]
    days = [[day["key"], day["costUsd"]] for day in spent["days"]]  # there may be thousands
    data["cost"] = {"total": spent["total"], "models": spent["models"], "days": days}
    return page("history", title=f"{key} · history", data={**data, "runs": _columns(runs[-MOST_RUNS:])})


def _columns(runs: Sequence[RunPoint]) -> dict[str, Any]:
    versions = {version: at for at, version in enumerate(dict.fromkeys(run.version for run in runs))}
    return {
        "ids": [run.run_id for run in runs],
        "statuses": RUN_STATUSES,
        "status": packed([_STATUSES[run.status] for run in runs]),
        "start": packed([to_ms(run.started_at) or 0 for run in runs]),
        "took": packed([None if run.duration_ms is None else round(run.duration_ms) for run in runs]),
        "cost": sparse([run.cost_usd for run in runs]),
        "version": packed([versions[run.version] for run in runs]),
        "versions": list(versions),
    }
