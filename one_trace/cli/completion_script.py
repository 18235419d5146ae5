"""`trace completion`: the script that teaches a shell what TAB offers."""

from __future__ import annotations

import click

from one_trace.cli.out import out
from one_trace.cli.pages import examples


@click.command("completion", epilog=examples("one trace completion bash", "one trace completion zsh"))
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash  in ~/.bashrc:
            eval "$(one trace completion bash)"
    zsh   in a folder of $fpath, as _one,
          before compinit
    fish  in ~/.config/fish/completions,
          as one.fish
    """
    from one_trace.cli import completions

    out().write(completions.script(shell).encode())
