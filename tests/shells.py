"""Interactive shells with our completions loaded, for tests that press TAB."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from machine import ROOT, Machine

PATIENCE_S = 120
_READY = "READY"
SCRIPTS = {"bash": "one.bash", "zsh": "_one", "fish": "one.fish"}
RC = {
    "bash": 'PS1="READY> "\nset -H\nbind "set enable-bracketed-paste off" 2>/dev/null\nsource {script}\n',
    "zsh": (
        'PS1="READY> "\nfpath=({folder} $fpath)\nautoload -Uz compinit\ncompinit -u -D\n'
        "unset zle_bracketed_paste\nunsetopt zle_prompt_sp 2>/dev/null\n"
    ),
    "fish": "function fish_prompt; printf 'READY> '; end\nset -g fish_greeting\nsource {script}\n",
}
HOST = r"""
{ printf '%s\0' "$@"; printf '\0'; } >>"$ARGV_LOG"
"""
"""Appends its arguments to a file, each ended by NUL; an empty one ends the list."""


class Shell:
    """bash, zsh or fish. The arguments that the fake host gets show how the shell read a line."""

    def __init__(self, machine: Machine, name: str) -> None:
        program = shutil.which(name)
        if not program:
            pytest.skip(f"needs {name}")
        self.log = machine.root / "argv"
        machine.shell_host(HOST)
        machine.script(machine.bin / "log-words", f"#!/bin/sh\n{HOST}")
        script = ROOT / "completions" / SCRIPTS[name]
        text = RC[name].format(script=script, folder=script.parent)
        start = {
            "bash": ["--noprofile", "--rcfile", str(machine.write(machine.root / "rc", text)), "-i"],
            "zsh": ["-i"],
            "fish": ["--init-command", text, "-i"],
        }[name]
        if name == "zsh":
            machine.write(machine.root / "home" / ".zshrc", text)
        env = machine.env | {"TERM": "xterm", "ARGV_LOG": str(self.log), "fish_term24bit": "0"}
        env["PATH"] += f"{os.pathsep}/usr/bin{os.pathsep}/bin"
        ours, theirs = pty.openpty()
        self._fd = ours
        self._process = subprocess.Popen(
            [program, *start],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=machine.project,
            env=env,
            start_new_session=True,
            preexec_fn=lambda: _control(theirs),
        )
        os.close(theirs)
        self.shown = ""
        self.wait_for(f"{_READY}> ")

    def type(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def wait_for(self, text: str) -> None:
        """Wait until `text` is shown, and drop the output up to its end."""
        until = time.monotonic() + PATIENCE_S
        while text not in self.shown:
            assert time.monotonic() < until, f"waited for {text!r}: {self.shown!r}"
            self._read()
        self.shown = self.shown.partition(text)[2]

    def argv(self, keys: str) -> list[str]:
        """Type `keys`, run the resulting command line and return the arguments that the host got."""
        before = len(self._calls())
        self.type(keys + "\r")
        until = time.monotonic() + PATIENCE_S
        while len(calls := self._calls()) == before:
            assert time.monotonic() < until, f"{keys!r} did not run a command: {self.shown!r}"
            self._read()
        assert len(calls) == before + 1
        self.wait_for(f"{_READY}> ")
        return calls[-1]

    def words(self, keys: str) -> list[str]:
        """Type `keys` and return the words of the resulting command line, which is not run."""
        return self.argv(f"{keys}\x01log-words ")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._fd)

    def _calls(self) -> list[list[str]]:
        """The arguments of each call of the host that has written all of them."""
        text = self.log.read_text() if self.log.exists() else ""
        return [call.split("\0") for call in text.split("\0\0")[:-1]]

    def _read(self) -> None:
        if select.select([self._fd], [], [], 0.05)[0]:
            try:
                self.shown += os.read(self._fd, 65536).decode("utf-8", "replace")
            except OSError:
                raise AssertionError(f"the shell has ended: {self.shown!r}") from None


def _control(terminal: int) -> None:
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def project_with(folder: Path, *keys: str) -> Path:
    """A project with one flow folder for each key."""
    for key in keys:
        (folder / ".one" / "flows" / key).mkdir(parents=True)
        (folder / ".one" / "flows" / key / "flow.json").write_text("{}")
    return folder
