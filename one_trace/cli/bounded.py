"""`--full`, `--limit`, `--cursor` and `--fields`: the options of every command with a bounded answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from one_trace.cli.out import Out
from one_trace.errors import WrongUsage

_Command = TypeVar("_Command", bound="Callable[..., object]")


def bounded(command: _Command) -> _Command:
    """Add the four options to a command. `Out.answer` obeys them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _keep(ctx: click.Context, param: click.Parameter, value: object) -> None:
    speaker = ctx.find_object(Out)
    if speaker is None:
        return
    for_json = param.name != "full" and (param.name, ctx.command.name) != ("limit", "list")
    if value is not None and for_json and not speaker.agent:
        raise WrongUsage(f"--{param.name} is for JSON", hint="Add --agent.")
    speaker.asked = {**(speaker.asked or {}), str(param.name): value}


_OPTIONS = (
    click.option(
        "--full", is_flag=True, expose_value=False, callback=_keep, help="With --agent: everything, uncut."
    ),
    click.option(
        "-n",
        "--limit",
        type=click.IntRange(min=0),
        metavar="N",
        expose_value=False,
        callback=_keep,
        help="At most N rows a list (with --agent, or in 'list').",
    ),
    click.option(
        "--cursor", metavar="TOKEN", expose_value=False, callback=_keep, help="With --agent: the next page."
    ),
    click.option(
        "--fields",
        metavar="A,B.C",
        expose_value=False,
        callback=_keep,
        help="With --agent: only these fields.",
    ),
)
