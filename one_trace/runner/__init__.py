"""The built-in flow runner: runs One CLI's flow files where One CLI is not installed.

`run` is the only entry point. It leaves the record that One CLI leaves and prints the JSON lines that One CLI
prints for agents. The room `engine` decides what runs when; Node evaluates the JavaScript (`worker`,
`node_values`). Nothing here knows of traces, of the store, of settings, or of how a run is shown to people.
"""

from __future__ import annotations

from one_trace.runner.output import Output, RunOutput

__all__ = ["Outcome", "Output", "run"]


def run(
    argv: list[str], output: Output | None = None, *, run_id: str | None = None, traced: bool = False
) -> RunOutput:
    """Serve ``flow execute|resume|validate|list``, as typed after the program's name.

    `output` receives what is reported; by default it goes to standard output. `run_id`: 12 hex digits for a
    new run (a resumed one has its own). `traced`: also record the sizes of the steps' inputs. Errors are
    reported, none is raised.
    """
    from one_trace.runner.serve import serve

    return serve(argv, output or Output(), run_id, traced=traced)
