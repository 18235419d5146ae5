"""The built-in runner where nothing is drawn: JSON Lines for agents, words for people."""

from __future__ import annotations

from contextlib import suppress

from one_trace import runner
from one_trace.host.argv import is_agent
from one_trace.runner.command_line import UsageError, parse
from one_trace.runner.node import Process
from one_trace.runner.output import Output


def run(argv: list[str], process: Process | None = None) -> int:
    """Run without a trace; the exit code. `process`: Node, if it has been started already."""
    return runner.run(argv, output_for(argv), process=process).exit_code


def output_for(argv: list[str]) -> Output:
    """Where the runner reports to: standard output, in words unless `--agent` is set."""
    with suppress(UsageError):  # the runner reports it
        if not is_agent(argv):
            from one_trace.capture.plain_output import PlainOutput

            return PlainOutput(parse(argv))
    return Output()
