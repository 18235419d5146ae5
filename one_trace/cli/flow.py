"""`flow execute` and `flow resume`: decides whether the run is traced."""

import os

from one_trace.errors import BROKEN
from one_trace.host import find
from one_trace.host.argv import EXECUTE_VERBS, first_words, is_agent, is_flow, split
from one_trace.settings.paths import anything_set


def run(argv: list[str]) -> int:
    """Run the flow, traced or not. Returns the exit code."""
    rest, flag, tags = split(argv)
    env = os.environ
    path = find.find(env)
    if flag or (flag is None and anything_set(env)):
        try:
            from one_trace.capture import undrawn
            from one_trace.settings.enabled import enabled

            at_once = path and not undrawn.may_be_drawn(agent=is_agent(rest)) and (flag or enabled(env))
        except BROKEN:
            at_once = False
        if path and at_once:
            return undrawn.run(path, rest, traced=flag, tags=tags)
        try:
            from one_trace.capture import run as capture
            from one_trace.capture.ended import report_problem, settings_in_force

            settings = settings_in_force(flag)
        except BROKEN as error:  # half an upgrade, a broken package: it is run all the same
            from one_trace.capture.notices import as_error, report_error

            report_error(as_error(error), agent=is_agent(rest))
        else:
            if settings.enabled:
                return capture.run(path, rest, settings, tags)
            report_problem(settings, agent=is_agent(rest))
    if path:
        find.become(path, rest, env)
    return _built_in(rest)


def _built_in(argv: list[str]) -> int:
    from one_trace.runner import node

    # Node boots while we read most of our code.
    execute = is_flow(first_words(argv), EXECUTE_VERBS)
    process = node.begin(node.environment(agent=is_agent(argv))) if execute else None
    from one_trace.guard.light import import_pathlib

    import_pathlib()
    from one_trace.capture import plain

    return plain.run(argv, process)
