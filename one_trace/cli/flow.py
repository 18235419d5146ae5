"""`flow execute` and `flow resume`: decides whether the run is traced."""

from __future__ import annotations

import os

from one_trace import host
from one_trace.argv import is_agent, split
from one_trace.errors import BROKEN
from one_trace.places import anything_set


def run(argv: list[str]) -> int:
    """Run the flow: traced, or as if we were not there. Returns the exit code."""
    rest, flag = split(argv)
    env = os.environ
    path = host.find(env)
    if flag or (flag is None and anything_set(env)):
        try:
            from one_trace import capture

            settings = capture.settings_in_force(agent=is_agent(rest))
        except BROKEN as error:  # half an upgrade, a broken package: it is run all the same
            _say_broken(error, agent=is_agent(rest))
        else:
            if flag or settings.enabled:
                return capture.run(path, rest, settings)
    if path:
        host.become(path, rest, env)
    from one_trace import runner

    return runner.run(rest).exit_code


def _say_broken(error: BaseException, *, agent: bool) -> None:
    """What `after.say_trouble` would say, where that cannot be imported."""
    import json

    message = f"this run is not traced: {type(error).__name__}: {error}"
    told = {"event": "trace:trouble", "code": "trace-failed", "message": message, "hint": None}
    line = json.dumps(told, separators=(",", ":")) if agent else f"one-trace: {ascii(message)[1:-1]}"
    try:
        os.write(2, f"{line}\n".encode())
    except OSError:  # stderr has been closed: nobody is to be told
        return
