"""Decides from argv alone who answers, before importing anything that only our own verbs need."""

import os
import sys

from one_trace import __version__
from one_trace.host import find, via
from one_trace.host.argv import (
    BUILT_IN_VERBS,
    COMPLETE,
    RUN_VERBS,
    first_words,
    help_page,
    is_agent,
    is_flow,
    with_agent_names,
    without_agent,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from one_trace.errors import CliError

CONFIG_VERBS = ("set", "get", "unset", "list")


def program() -> int:
    """The program `one`: `main`, and this process ends. Returns the exit code if others are still at work."""
    code = main()
    from one_trace.guard import streams

    streams.leave(code)
    return code


def main() -> int:
    """Become the host, or answer. Returns the exit code."""
    argv = sys.argv[1:]
    words = first_words(argv)
    try:
        if None in (sys.stdin, sys.stdout, sys.stderr):  # closed by the caller
            from one_trace.guard import streams

            streams.fill_closed()
        via.recover(os.environ)
        if via.is_probe(os.environ):
            sys.stdout.write(f"{os.environ[via.VIA]}\n")
            return 0
        if find.started_as_host(os.environ, words):
            return pass_on(argv, words)  # the process that mistook us for the host does the rest
        return dispatch(argv, words)
    except Exception as error:
        from one_trace.errors import CliError  # only now: a foreign verb needs none

        if isinstance(error, CliError):
            return report(error, argv)
        raise
    except KeyboardInterrupt:
        from one_trace.guard import streams

        return streams.die_of(2)  # SIGINT, so that a shell's loop ends too


def dispatch(argv: list[str], words: list[str]) -> int:
    """Answer ourselves, or pass the command on to the host."""
    if COMPLETE in os.environ:
        from one_trace.cli import tab

        if tab.is_for_flows(argv):
            return tab.answer_flows(argv[-1])
        from one_trace.cli import completions

        return completions.answer(argv)
    if words[:1] == ["trace"]:
        return _trace(argv, words)
    if words[:1] == ["config"] and words[1:2] and words[1] in CONFIG_VERBS:
        return _click("config", argv)
    if words[:2] == ["help", "trace"]:
        return _click("trace", [*words[1:], "--help", *["--agent"] * is_agent(argv)])
    page = help_page(argv, words)
    if page is not None:
        from one_trace.cli import help as our_help

        return our_help.run(argv, page)
    if is_flow(words, RUN_VERBS):
        from one_trace.cli import flow

        return flow.run(argv)
    return pass_on(argv, words)


def pass_on(argv: list[str], words: list[str]) -> int:
    """A foreign verb: the host answers."""
    path = find.find(os.environ)
    if path:
        find.become(path, argv, os.environ)
    if is_flow(words, BUILT_IN_VERBS) or words in (["flow"], ["f"]):
        from one_trace.capture import plain

        return plain.run(argv)
    if words == ["config"]:
        return _click("config", argv)  # our part of it
    if not argv or words[:1] == ["help"]:
        from one_trace.cli import help as our_help

        return our_help.run(argv, " ".join(words[1:]))
    if argv[0] in ("--version", "-V"):
        from one_trace.cli.out import Out

        Out(agent=False).answer(None, f"one-trace {__version__}, no One CLI")
        return 0
    from one_trace.host import unusable

    raise unusable.missing(words)


def report(error: "CliError", argv: list[str]) -> int:
    """Report an error raised before any command of ours has started. Returns its exit code."""
    from one_trace.errors import HostNotFound

    if isinstance(error, HostNotFound) and not is_agent(argv):
        from one_trace.capture.notices import report_error

        report_error(error, agent=False)
        return error.exit_code
    from one_trace.cli.out import Out

    return Out(agent=is_agent(argv)).fail(error)


def _trace(argv: list[str], words: list[str]) -> int:
    if without_agent(argv) == ["trace", "mcp"]:
        from one_trace.cli import mcp_server

        return mcp_server.serve()
    return _click("trace", with_agent_names(argv) if words[1:2] == ["setup"] else argv)


def _click(group: str, argv: list[str]) -> int:
    from one_trace.guard.light import import_click, import_msgspec, import_pathlib

    import_pathlib()
    import_click()
    import_msgspec()
    from one_trace.cli import invoke

    rest = without_agent(argv)
    args = rest[rest.index(group) + 1 :]
    if group == "trace":
        from one_trace.cli.app import trace

        return invoke.run(trace, args, agent=is_agent(argv), name="one trace")
    from one_trace.cli.config import config

    return invoke.run(config, args, agent=is_agent(argv), name="one config")
