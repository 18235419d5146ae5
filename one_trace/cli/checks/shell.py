"""Completions: is a script installed for the user's shell, and is it the one that this version prints?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from one_trace.answers.reports import Check
from one_trace.guard.files import MIB, read_plain
from one_trace.guard.text import shell_word
from one_trace.settings.paths import expand

SHELLS = ("bash", "zsh", "fish")
_NAME = "completion"
_GENERATED = "Completions for one and one-trace. Generated:"
_LOADERS = (
    "/usr/share/bash-completion/bash_completion",
    "/usr/local/share/bash-completion/bash_completion",
    "/usr/local/etc/profile.d/bash_completion.sh",
    "/opt/homebrew/etc/profile.d/bash_completion.sh",
    "/etc/bash_completion",
)
"""bash-completion, without which bash loads no script from the folders below."""
_STARTUP = {
    "bash": ("~/.bashrc", "~/.bash_profile", "~/.profile", "~/.bash_completion"),
    "zsh": ("$ZDOTDIR/.zshrc", "~/.zshrc"),
    "fish": ("$XDG_CONFIG_HOME/fish/config.fish", "~/.config/fish/config.fish"),
}
_FILES = {
    "bash": (
        "$BASH_COMPLETION_USER_DIR/completions/one",
        "$XDG_DATA_HOME/bash-completion/completions/one",
        "~/.local/share/bash-completion/completions/one",
        "/etc/bash_completion.d/one",
        "/usr/local/share/bash-completion/completions/one",
        "/usr/share/bash-completion/completions/one",
    ),
    "zsh": (
        "/usr/local/share/zsh/site-functions/_one",
        "/usr/share/zsh/site-functions/_one",
        "/usr/share/zsh/vendor-completions/_one",
        "/opt/homebrew/share/zsh/site-functions/_one",
    ),
    "fish": (
        "$XDG_CONFIG_HOME/fish/completions/one.fish",
        "~/.config/fish/completions/one.fish",
        "/etc/fish/completions/one.fish",
        "$XDG_DATA_HOME/fish/vendor_completions.d/one.fish",
        "~/.local/share/fish/vendor_completions.d/one.fish",
        "/usr/local/share/fish/vendor_completions.d/one.fish",
        "/usr/share/fish/vendor_completions.d/one.fish",
    ),
}
_INSTALL = {
    "bash": "echo 'eval \"$(one trace completion bash)\"' >> ~/.bashrc",
    "zsh": "mkdir -p ~/.zfunc && one trace completion zsh > ~/.zfunc/_one && "
    "echo 'fpath=(~/.zfunc $fpath); autoload -Uz compinit; compinit' >> ~/.zshrc",
    "fish": "mkdir -p ~/.config/fish/completions && "
    "one trace completion fish > ~/.config/fish/completions/one.fish",
}
_FPATH_WORD = re.compile(r"""[^\s()"'=;:]*[/~$][^\s()"'=;:]*""")
"""What may be a folder in a line of .zshrc that names fpath."""


def completion() -> Iterator[Check]:
    """The script of the user's shell. No shell is started: its startup files would run."""
    shell = Path(os.environ.get("SHELL", "")).name
    if shell not in SHELLS:
        what = f"there are no completions for {shell}" if shell else "SHELL is not set"
        yield Check(_NAME, "note", f"not checked: {what}")
        return
    startup = next((path for path in _places(_STARTUP[shell]) if _loads(path, shell)), None)
    if startup is not None:
        yield Check(_NAME, "ok", f"{startup} loads the script of {shell}, always the current one")
        return
    files = [*_places(_FILES[shell]), *(_of_fpath() if shell == "zsh" else [])]
    file = next((path for path in files if _text(path) is not None), None)
    if file is None:
        wrong = f"no script of one-trace found for {shell}, in its startup files and usual folders"
        yield Check(_NAME, "note", wrong, _INSTALL[shell])
    elif shell == "bash" and not any(map(os.path.isfile, _LOADERS)):
        wrong = f"{file} is not loaded: bash-completion is not installed"
        yield Check(_NAME, "note", wrong, _INSTALL[shell])
    else:
        yield _age(file, shell)


def _age(file: Path, shell: str) -> Check:
    from one_trace.cli.completions import script

    text = _text(file) or ""
    if text == script(shell):
        return Check(_NAME, "ok", f"the script of {shell} is {file}, the current one")
    if _GENERATED not in text:
        return Check(_NAME, "note", f"not checked: {file} is not the script of one-trace")
    fix = f"one trace completion {shell} > {shell_word(str(file))}"
    return Check(_NAME, "note", f"{file} is of another version of one-trace", fix)


def _loads(path: Path, shell: str) -> bool:
    lines = (_text(path) or "").split("\n")
    return any(f"trace completion {shell}" in line.partition("#")[0] for line in lines)


def _of_fpath() -> Iterator[Path]:
    """Where zsh looks for `_one`, as far as .zshrc says it: the folders in its lines that name fpath."""
    for startup in _places(_STARTUP["zsh"]):
        for line in (_text(startup) or "").split("\n"):
            if "fpath" in line.partition("#")[0].lower():
                yield from _places(f"{word}/_one" for word in _FPATH_WORD.findall(line))


def _places(paths: Iterable[str]) -> Iterator[Path]:
    """Absolute paths, with variables and ``~`` expanded; those with a variable that is not set are left
    out."""
    for path in paths:
        expanded = expand(os.path.expandvars(path), os.environ)
        if expanded.startswith("/") and "$" not in expanded:
            yield Path(expanded)


def _text(path: Path) -> str | None:
    """The text of a file; None if there is none that can be read."""
    try:
        return read_plain(path, MIB).decode("utf-8", "replace")
    except (OSError, ValueError):
        return None
