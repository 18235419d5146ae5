"""`--help` of the commands that the built-in runner serves, in the layout of One CLI."""

from __future__ import annotations

import textwrap

from one_trace.guard import streams
from one_trace.runner.command_line import COMMANDS, HELP, Command, command_named
from one_trace.runner.output import Output

_WIDTH = 80


def show(name: str, output: Output) -> int:
    """Print the help of a command; that of the group goes to stderr with exit code 1."""
    if command_named(name) is None:
        streams.say_bytes(output.laid_out(page(name)).encode())
        return 1
    output.write(output.laid_out(page(name)).encode())
    return 0


def page(name: str) -> str:
    """The help of a command; that of the group for any other name."""
    command = command_named(name)
    return _command(command) if command else _group()


def _group() -> str:
    rows = []
    for one in COMMANDS:
        name = f"{one.name}|{one.alias}" if one.alias else one.name
        options = " [options]" if one.options else ""
        rows.append((name + options + (f" <{one.argument}>" if one.argument else ""), one.about))
    about = "Execute multi-step workflows (built-in runner; install One CLI for the rest)"
    return _page("one flow|f [options] [command]", about, "Commands", rows)


def _command(command: Command) -> str:
    options = (*command.options, HELP)
    rows = [(option.flags if option.short != "-h" else "-h, --help", option.about) for option in options]
    return _page(command.usage, command.about, "Options", rows)


def _page(usage: str, about: str, title: str, rows: list[tuple[str, str]]) -> str:
    width = max(len(left) for left, _ in rows) + 2
    lines = [f"Usage: {usage}", "", about, "", f"{title}:"]
    for left, right in rows:
        first, *rest = textwrap.wrap(right, _WIDTH - width - 2)
        lines.append(f"  {left.ljust(width)}{first}")
        lines += [" " * (width + 2) + line for line in rest]
    return "\n".join(lines) + "\n"
