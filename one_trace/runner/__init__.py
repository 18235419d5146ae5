"""The built-in flow runner: runs the host's flow files where the host is not, and leaves the same record.

`run` is the way in. Python decides what runs when (`engine`, `steps`), on promises that continue in
JavaScript's order (`loop`); JavaScript itself is run by Node (`worker`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from one_trace.runner.outcome import Outcome

__all__ = ["Outcome", "run"]


def run(
    argv: list[str],
    *,
    on_event: Callable[[dict[str, Any]], None] | None = None,
    run_id: str | None = None,
    watched: bool = False,
    traced: bool = False,
) -> Outcome:
    """Serve ``flow execute|resume|validate|list``, as typed after the program's name.

    Prints what the host prints, to standard output itself. `on_event` is called with each event of a run,
    after it has been recorded and printed. `run_id`, 12 hex digits, is the id of the run that comes of it (a
    resumed one has its own). `watched`: what is printed as for an agent is shown to people, so that Ctrl-C
    does what it does for them. `traced`: the run is to leave the sizes of what went into its steps as well.
    Errors are printed, none is raised.
    """
    from one_trace.runner.serve import serve

    return serve(argv, on_event, run_id, watched=watched, traced=traced)
