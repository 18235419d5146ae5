"""`--help` of the commands that we add to: the host's own help, followed by what one-trace adds."""

from __future__ import annotations

import os

from one_trace.host import find, spawn
from one_trace.host.argv import is_agent, split
from one_trace.host.unusable import INSTALL, missing
from one_trace.runner import usage

_RUN = """\
one-trace adds:
  --trace                   Trace this run, whatever traces.enabled says
  --no-trace                Do not trace it
  --trace-tag <key=value>   Tag the traced run (repeatable)
  See it afterwards: one trace show last
"""
ADDED = {
    "": """\
one-trace adds:
  one flow execute <key> --trace        Run a flow and trace it (--no-trace: do not)
  one flow resume <runId> --trace       The same for a resumed run
  one trace show [run]                  One run as a tree: what ran, for how long, why it failed
  one trace list                        Runs, newest first
  one trace --help                      stats, diff, cost, export, import, share, doctor, ...
  one config set traces.enabled true    Trace every flow (also: get, unset, list)
""",
    "flow": """\
one-trace adds:
  one flow execute <key> --trace        Run a flow and trace it (--no-trace: do not)
  one flow resume <runId> --trace       The same for a resumed run
  one trace list                        The traced runs, newest first
""",
    "flow execute": _RUN,
    "flow resume": _RUN,
    "config": """\
one-trace adds:
  one config set traces.<key> <value>   Change a setting (--project: for this project)
  one config get traces.<key>           Print the value in force
  one config unset traces.<key>         Remove it from the file
  one config list                       All settings, and where each value comes from
""",
}
ALONE = """\
Usage: one [--agent] <command>

One CLI is not on PATH. Its place is kept by one-trace's own runner for
  one flow execute <key>                Run a workflow (steps that call One's API need One CLI)
  one flow resume <runId>               Resume a failed or paused run
  one flow validate <key>               Validate a workflow
  one flow list                         List workflows
Everything else is One CLI's:
  {install}

"""


def run(argv: list[str], page: str) -> int:
    """Print both helps of a page of ADDED. Returns the host's exit code."""
    path = find.find(os.environ)
    if path is None:
        return _alone(argv, page)
    code = spawn.wait_for(path, split(argv)[0], os.environ)
    if code == 0:
        _print("\n" + ADDED[page])
    return code


def _alone(argv: list[str], page: str) -> int:
    """Without a host: our part of a page."""
    group, _, verb = page.partition(" ")
    if not page:
        _print(ALONE.format(install=INSTALL) + ADDED[page])
    elif page == "config":
        from one_trace.cli import invoke
        from one_trace.cli.config import config

        return invoke.run(config, ["--help"], agent=is_agent(argv), name="one config")
    elif group in ("flow", "f"):
        _print(usage.page(verb) + "\n" + ADDED.get(f"flow {verb}", ADDED["flow"]))
    else:
        raise missing(page.split())
    return 0


def _print(text: str) -> None:
    from one_trace.cli.out import Out
    from one_trace.view.reflow import reflow

    speaker = Out(agent=False)
    speaker.answer(None, reflow(text, speaker.width))
