"""What a shell can complete.

The scripts of `completions/` are generated here from the Click commands (`one trace completion bash`). For
values (run ids, flow keys, settings) they call this program.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click
from click.shell_completion import ShellComplete

from one_trace.cli import candidates
from one_trace.cli.app import VERBS, trace
from one_trace.cli.config import config
from one_trace.cli.out import Out
from one_trace.cli.tab import about, can_be_typed, line
from one_trace.host import verbs
from one_trace.host.argv import COMPLETE

RUN = ("run", "a", "b")
"""Names of the arguments that are a run."""
_HOSTS = {"": verbs.TOP, "flow": verbs.FLOW, "config": verbs.CONFIG}
"""The commands of One CLI that are offered with ours, by the words before them."""


@click.group(name="flow")
def flow() -> None:
    """Run flows."""


def _run_command(name: str, *params: click.Parameter) -> click.Command:
    ours = click.Option(["--trace/--no-trace"], help="Trace this run, or do not.")
    tag = click.Option(["--trace-tag"], help="Tag the traced run, key=value.")
    return click.Command(name, params=[*params, ours, tag], help="Execute a workflow")


KEY = click.Argument(["key"], shell_complete=candidates.flow_files)
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
flow.add_command(_run_command("resume", click.Argument(["run"], shell_complete=candidates.runs)))
for _verb in ("validate", "runs"):
    flow.add_command(click.Command(_verb, params=[KEY]))


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
    ended = "--" in args
    known = [item for item in items if item.type == "plain" and can_be_typed(item.value, ended=ended)]
    Out(agent=False).write("".join(line(item.value, item.help or "") for item in known).encode())
    return 0


def _teach_runs(command: click.Command | None) -> None:
    """Complete the arguments of a command that are a run."""
    for param in command.params if command else ():
        if isinstance(param, click.Argument) and param.name in RUN:
            vars(param)["_custom_shell_complete"] = candidates.runs


def table() -> Iterator[tuple[str, dict[str, str], bool]]:
    """Each command with the words and options that may follow it and their descriptions, and whether it takes
    values."""
    yield from _below(one, "")


def _below(command: click.Command, path: str) -> Iterator[tuple[str, dict[str, str], bool]]:
    with click.Context(command) as ctx:
        options = {
            option: about(param.help or "")
            for param in command.params
            if isinstance(param, click.Option)
            for option in (*param.opts, *param.secondary_opts)
            if option.startswith("--")
        }
        group = command if isinstance(command, click.Group) else None
        names = group.list_commands(ctx) if group else []
        below = {name: group.get_command(ctx, name) for name in names} if group else {}
        listed = {name: text for name, (_, text) in VERBS.items()} if group is trace else {}
        abouts = {
            name: listed.get(name) or about(sub.get_short_help_str(200)) for name, sub in below.items() if sub
        }
        values = any(not isinstance(param, click.Option) or not param.is_flag for param in command.params)
        theirs = _HOSTS.get(path, {})
        yield path, {**abouts, **theirs, **options, "--help": "Show the help"}, values
        for name, sub in below.items():
            if sub:
                yield from _below(sub, f"{path} {name}".strip())


def script(shell: str) -> str:
    """The completion script for bash, zsh or fish."""
    from one_trace.cli import shells

    return shells.script(shell, table())


if __name__ == "__main__":
    Out(agent=False).answer(None, script(sys.argv[1]))
