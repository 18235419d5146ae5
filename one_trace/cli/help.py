"""`one --help`: the host's own help, followed by what one-trace adds."""

from __future__ import annotations

import os

from one_trace.host import find, spawn
from one_trace.host.unusable import INSTALL

ADDED = """\
one-trace adds:
  one flow execute <key> --trace        Run a flow and trace it (--no-trace: do not)
  one flow resume <runId> --trace       The same for a resumed run
  one trace show [run]                  One run as a tree: what ran, for how long, why it failed
  one trace list                        Runs, newest first
  one trace --help                      stats, diff, cost, export, import, share, doctor, ...
  one config set traces.enabled true    Trace every flow (also: get, unset, list)
"""
ALONE = """\
Usage: one [--agent] <command>

One CLI is not on PATH. Its place is kept by one-trace's own runner for
  one flow execute <key>                Run a workflow (steps that call One's API need One CLI)
  one flow resume <runId>               Resume a failed or paused run
  one flow validate <key>               Validate a workflow
  one flow list                         List workflows
Everything else is One CLI's: {install}

"""


def run(argv: list[str]) -> int:
    """Print both helps. Returns the host's exit code."""
    path = find.find(os.environ)
    if path is None:
        _print(ALONE.format(install=INSTALL) + ADDED)
        return 0
    code = spawn.wait_for(path, argv, os.environ)
    if code == 0:
        _print("\n" + ADDED)
    return code


def _print(text: str) -> None:
    from one_trace.cli.out import Out

    Out(agent=False).answer(None, text)
