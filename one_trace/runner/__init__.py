"""The built-in flow runner: runs One CLI's flow files where One CLI is not installed.

`run` is the only entry point. It leaves the record that One CLI leaves and prints the JSON lines that One CLI
prints for agents. The room `engine` decides what runs when; Node evaluates the JavaScript (`worker`,
`node_values`). Nothing here knows of traces, of the store, of settings, or of how a run is shown to people.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from one_trace.runner.node import Process
    from one_trace.runner.output import Output, RunOutput


def run(
    argv: list[str],
    output: Output,
    *,
    run_id: str | None = None,
    traced: bool = False,
    process: Process | None = None,
) -> RunOutput:
    """Serve ``flow execute|resume|validate|list``, as typed after the program's name.

    `output` receives what is reported. `run_id`: 12 hex digits for a new run (a resumed one has its own).
    `traced`: also record the sizes of the steps' inputs, and say where the record is. `process`: Node, if it
    has been started already (`node.begin`). Errors are reported, none is raised.
    """
    from one_trace.runner.serve import serve

    return serve(argv, output, run_id, traced=traced, process=process)
