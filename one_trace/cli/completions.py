"""What a shell can complete.

Words stand in the scripts of `completions/`, which are generated here from the Click commands
(`python -m one_trace.cli.completions bash`); for values (run ids, flow keys, settings) the scripts ask us.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click
from click.shell_completion import CompletionItem, ShellComplete

from one_trace.argv import COMPLETE
from one_trace.cli.app import VERBS, trace
from one_trace.cli.config import config

RUN = ("run", "a", "b")
"""Names of the arguments that mean a run."""


@click.group(name="flow")
def flow() -> None:
    """Run flows."""


def _run_command(name: str, *params: click.Parameter) -> click.Command:
    ours = click.Option(["--trace/--no-trace"], help="Trace this run, or do not.")
    return click.Command(name, params=[*params, ours], help=f"{name} a flow, traced")


def _flow_keys(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Keys of the flows in this folder, in all of the host's layouts."""
    folder = Path(".one/flows")
    keys = [path.parent.relative_to(folder).as_posix() for path in folder.glob("*/flow.json")]
    keys += [path.parent.relative_to(folder).as_posix() for path in folder.glob("*/*/flow.json")]
    keys += [path.name.removesuffix(".flow.json") for path in folder.glob("*.flow.json")]
    return sorted(key for key in keys if key.startswith(incomplete))


def _runs(ctx: click.Context, incomplete: str, param: click.Parameter) -> list[CompletionItem]:
    """The newest runs of the store."""
    from one_trace import settings
    from one_trace.store import Store

    with Store(settings.load_lenient()[0].store_path, readonly=True) as store:
        known = ["last", *(run.run_id for run in store.runs(limit=50))]
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
    """Print what may stand in place of argv's last word, one a line; nothing where something is wrong."""
    *args, incomplete = argv or [""]
    for verb in VERBS.keys() & set(args):
        _teach_runs(trace.get_command(click.Context(trace), verb))
    try:
        items = ShellComplete(one, {}, "one", COMPLETE).get_completions(args, incomplete)
    except Exception:  # noqa: BLE001  whoever presses TAB is told nothing, of a damaged store neither
        return 0
    sys.stdout.write("".join(f"{item.value}\n" for item in items if item.type == "plain"))
    return 0


def _teach_runs(command: click.Command | None) -> None:
    """Let the arguments of a command that mean a run complete to runs."""
    for param in command.params if command else ():
        if isinstance(param, click.Argument) and param.name in RUN:
            vars(param)["shell_complete"] = partial(_runs, param=param)


def table() -> Iterator[tuple[str, list[str], bool]]:
    """Each command by its words, the words and options that may follow it, and whether it takes values."""
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


HEAD = "Completions for one and one-trace. Generated: python -m one_trace.cli.completions {shell}"

BASH = """\
# {head}
_one_trace() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} path= words= values= word
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        [[ $word == -* ]] || path+="${{path:+ }}$word"
    done
    COMPREPLY=()
    case $path in
{cases}
        *) return ;;
    esac
    if [[ $values && $cur != -* ]]; then
        words=$({variable}=1 one-trace "${{COMP_WORDS[@]:1:COMP_CWORD}}" 2>/dev/null)
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}}
complete -o default -F _one_trace one one-trace
"""

ZSH = """\
#compdef one one-trace
# {head}
local path_= word
local -a words_ values_
for word in ${{words[2,CURRENT-1]}}; do
    [[ $word == -* ]] || path_+="${{path_:+ }}$word"
done
case $path_ in
{cases}
    *) _default; return ;;
esac
if (( values )) && [[ $PREFIX != -* ]]; then
    values_=(${{(f)"$({variable}=1 one-trace "${{(@)words[2,CURRENT]}}" 2>/dev/null)"}})
fi
(( $#values_ )) && words_=($values_)
compadd -a words_ || _default
"""

FISH = """\
# {head}
function __one_trace_path
    set -l path
    for word in (commandline -opc)[2..-1]
        string match -q -- '-*' $word; or set -a path $word
    end
    echo "$path"
end
function __one_trace_is
    set -l path (__one_trace_path)
    test "$path" = "$argv[1]"; and return
    test "$argv[2]" = below; and string match -q -- "$argv[1] *" "$path"
end
function __one_trace_values
    set -lx {variable} 1
    one-trace (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null
end
for program in one one-trace
{cases}
end
"""


def script(shell: str) -> str:
    """The completion script for bash, zsh or fish."""
    head = HEAD.format(shell=shell)
    rows = list(table())
    text, case = {"bash": (BASH, _bash_case), "zsh": (ZSH, _zsh_case), "fish": (FISH, _fish_case)}[shell]
    return text.format(head=head, variable=COMPLETE, cases="\n".join(case(*row) for row in rows))


def _pattern(path: str, values: bool) -> str:
    return f'"{path}"|"{path} "*' if values and path else f'"{path}"'


def _bash_case(path: str, words: list[str], values: bool) -> str:
    return f'        {_pattern(path, values)}) words="{" ".join(words)}" values={"1" if values else ""} ;;'


def _zsh_case(path: str, words: list[str], values: bool) -> str:
    return f"    {_pattern(path, values)}) words_=({' '.join(words)}) values={int(values)} ;;"


def _fish_case(path: str, words: list[str], values: bool) -> str:
    plain = [word for word in words if not word.startswith("-")]
    longs = [word[2:] for word in words if word.startswith("--")]
    where = f"-n '__one_trace_is \"{path}\"{' below' if values and path else ''}'"
    lines = [f"    complete -c $program -f {where} -a '{' '.join(plain)}'"] if plain else []
    lines += [f"    complete -c $program -f {where} -a '(__one_trace_values)'"] if values else []
    return "\n".join(lines + [f"    complete -c $program {where} -l {word}" for word in longs])


if __name__ == "__main__":
    sys.stdout.write(script(sys.argv[1]))
