"""`flow execute` and `flow resume`: decides whether the run is traced."""

from __future__ import annotations

import os

from one_trace import host
from one_trace.argv import is_agent, split
from one_trace.places import anything_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from one_trace.settings import Settings


def run(argv: list[str]) -> int:
    """Run the flow: traced, or as if we were not there. Returns the exit code."""
    rest, flag = split(argv)
    env = os.environ
    path = host.find(env)
    settings: Settings | None = None
    if flag is None and anything_set(env):
        from one_trace.capture import settings_in_force

        settings = settings_in_force(agent=is_agent(rest))
        flag = settings.enabled
    if flag:
        from one_trace.capture import run as run_traced

        return run_traced(path, rest, settings=settings)
    if path:
        host.become(path, rest, env)
    from one_trace import runner

    return runner.run(rest).exit_code
