"""What a shell can complete.

The scripts of `completions/` are generated here from the Click commands (`python -m
one_trace.cli.completions bash`). For values (run ids, flow keys, settings) they call this program.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from itertools import islice

import click
from click.shell_completion import CompletionItem, ShellComplete

from one_trace.cli.app import VERBS, trace
from one_trace.cli.config import config
from one_trace.cli.out import Out
from one_trace.guard.files import is_plain
from one_trace.host.argv import COMPLETE
from one_trace.record.flow_files import flow_paths

RUN = ("run", "a", "b")
"""Names of the arguments that are a run."""
_MOST = 10_000
"""Flows that are looked at."""


@click.group(name="flow")
def flow() -> None:
    """Run flows."""


def _run_command(name: str, *params: click.Parameter) -> click.Command:
    ours = click.Option(["--trace/--no-trace"], help="Trace this run, or do not.")
    return click.Command(name, params=[*params, ours], help=f"{name} a flow, traced")


def _flow_keys(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Keys of the flows in this folder, in all of the host's layouts. No flow file is opened."""
    keys = {flow.key for flow in islice(flow_paths(), _MOST) if is_plain(flow.path)}
    return sorted(key for key in keys if key.startswith(incomplete))


def _runs(ctx: click.Context, incomplete: str, param: click.Parameter) -> list[CompletionItem]:
    """The newest runs of the store."""
    from one_trace.settings import sources
    from one_trace.store import Store

    path, known = sources.load().store_path, ["last"]
    if is_plain(path):
        with Store(path, readonly=True) as store:
            known += [run.run_id for run in store.runs(limit=50)]
    return [CompletionItem(run) for run in known if run.startswith(incomplete)]


KEY = click.Argument(["key"], shell_complete=_flow_keys)
HOSTS = [
    click.Option(["-i", "--input"], help="An input, name=value."),
    click.Option(["--dry-run"], is_flag=True, help="Resolve, and run nothing."),
    click.Option(["--mock"], is_flag=True, help="Mock what calls an API."),
    click.Option(["--stop-after"], help="Stop after this step."),
    click.Option(["--skip-validation"], is_flag=True, help="Do not validate the flow."),
    click.Option(["--allow-bash"], is_flag=True, help="Let bash steps run."),
    click.Option(["-v", "--verbose"], is_flag=True, help="Say more."),
    click.Option(["--output-file"], type=click.Path(), help="Write the result to this file."),
]
flow.add_command(_run_command("execute", KEY, *HOSTS))
flow.add_command(_run_command("x", KEY, *HOSTS))
flow.add_command(_run_command("resume", click.Argument(["run"])))


@click.group(name="one", commands={"flow": flow, "trace": trace, "config": config})
@click.option("--agent", is_flag=True, help="JSON for machines.")
def one(agent: bool) -> None:
    """One CLI, with traces."""


def answer(argv: list[str]) -> int:
    """Print the completions of argv's last word, one a line; nothing if something is wrong."""
    *args, incomplete = argv or [""]
    try:
        for verb in VERBS.keys() & set(args):
            _teach_runs(trace.get_command(click.Context(trace), verb))
        items = ShellComplete(one, {}, "one", COMPLETE).get_completions(args, incomplete)
    except Exception:  # noqa: BLE001  no error may reach a command line that is being typed
        return 0
    values = (item.value for item in items if item.type == "plain")
    known = [value for value in values if _can_be_typed(value, ended="--" in args)]
    Out(agent=False).write("".join(f"{value}\n" for value in known).encode())
    return 0


def _can_be_typed(value: str, *, ended: bool) -> bool:
    """Whether a name from a project may be offered: it is printable, and is no option (`ended`: after
    ``--`` there are none)."""
    return value.isprintable() and (ended or not value.startswith("-"))


def _teach_runs(command: click.Command | None) -> None:
    """Complete the arguments of a command that are a run."""
    for param in command.params if command else ():
        if isinstance(param, click.Argument) and param.name in RUN:
            vars(param)["shell_complete"] = partial(_runs, param=param)


def table() -> Iterator[tuple[str, list[str], bool]]:
    """Each command with the words and options that may follow it, and whether it takes values."""
    yield from _below(one, "")


def _below(command: click.Command, path: str) -> Iterator[tuple[str, list[str], bool]]:
    with click.Context(command) as ctx:
        options = [
            option
            for param in command.params
            if isinstance(param, click.Option)
            for option in (*param.opts, *param.secondary_opts)
            if option.startswith("--")
        ]
        verbs = command.list_commands(ctx) if isinstance(command, click.Group) else []
        values = any(not isinstance(param, click.Option) or not param.is_flag for param in command.params)
        yield path, [*verbs, *options, "--help"], values
        for verb in verbs:
            below = command.get_command(ctx, verb) if isinstance(command, click.Group) else None
            if below:
                yield from _below(below, f"{path} {verb}".strip())


def script(shell: str) -> str:
    """The completion script for bash, zsh or fish."""
    from one_trace.cli import shells

    return shells.script(shell, table())


if __name__ == "__main__":
    Out(agent=False).answer(None, script(sys.argv[1]))
