"""State files of earlier runs, found by a run id."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from one_trace.guard.files import STATE_LIMIT, read_plain
from one_trace.runner.run_log import RUNS

if TYPE_CHECKING:
    from one_trace.record.state import State

_SUFFIX = ".state.json"


def find_state(run_id: str) -> State | None:
    """The state of that run, else, as in One CLI, of the first whose file name contains it; None if it cannot
    be read.
    """
    from one_trace.record.state import read_state  # only needed to resume a run

    try:
        names = sorted(name for name in os.listdir(RUNS) if run_id in name and name.endswith(_SUFFIX))
        names.sort(key=lambda name: not name.endswith(f"-{run_id}{_SUFFIX}"))
        state, _ = (
            read_state(read_plain(os.path.join(RUNS, names[0]), STATE_LIMIT)) if names else (None, None)
        )
    except OSError:
        return None
    return state if state is not None and state.saves is not None else None
