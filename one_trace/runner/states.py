"""State files of earlier runs, found by a run id."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from one_trace.runner.record import RUNS

_SUFFIX = ".state.json"


@dataclass(frozen=True, slots=True)
class Earlier:
    """A run that has been: which, of which flow, and how far it came."""

    run_id: str
    flow_key: str
    status: str
    completed: int


def find_state(run_id: str) -> Earlier | None:
    """The run of that id; else, as in the host, the first whose file name holds it. None if unreadable."""
    try:
        names = sorted(name for name in os.listdir(RUNS) if run_id in name and name.endswith(_SUFFIX))
    except OSError:
        return None
    names.sort(key=lambda name: not name.endswith(f"-{run_id}{_SUFFIX}"))
    for name in names[:1]:
        try:
            state = json.loads(Path(RUNS, name).read_bytes())
            completed = len(state["completedSteps"])
            return Earlier(str(state["runId"]), str(state["flowKey"]), str(state["status"]), completed)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
    return None
