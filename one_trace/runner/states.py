"""State files of earlier runs, found by a run id."""

from __future__ import annotations

import os
from dataclasses import dataclass

from one_trace.guard.files import STATE_LIMIT, read_plain
from one_trace.runner.run_log import RUNS

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
        return _read(os.path.join(RUNS, name))
    return None


def _read(path: str) -> Earlier | None:
    from one_trace.record.state import read_state  # only a resumed run needs it

    try:
        state, _ = read_state(read_plain(path, STATE_LIMIT))
    except OSError:
        return None
    completed = state.saves if state else None
    if state is None or completed is None:
        return None
    return Earlier(state.run_id, state.flow_key, state.status, completed)
