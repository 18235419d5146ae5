"""A terminal of tmux's for a test: what is typed into it, and what then stands on its screen."""

from __future__ import annotations

import re
import shutil
import subprocess
import time

import pytest
from machine import Machine

PATIENCE_S = 120


class Terminal:
    """A shell in a window of `columns` by `rows`, in the machine's project."""

    def __init__(self, machine: Machine, columns: int, rows: int, **env: str) -> None:
        tmux = shutil.which("tmux")
        if not tmux:
            pytest.skip("needs tmux")
        self._tmux = [tmux, "-f", "/dev/null", "-S", str(machine.root / "tmux")]
        shell = machine.write(machine.root / "shell", "PS1='$ '\n")
        words = {**machine.env, "TERM": "screen-256color", "HISTFILE": "", **env}
        given = [f"{name}={value}" for name, value in words.items()]
        size = ["-x", str(columns), "-y", str(rows)]
        bash = [shutil.which("bash") or "/bin/sh", "--rcfile", str(shell), "-i"]
        command = [*self._tmux, "-u", "new-session", "-d", *size, "env", "-i", *given, *bash]
        subprocess.run(command, cwd=machine.project, env=words, check=True, timeout=PATIENCE_S)
        self.wait_for(r"^\$")

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False, timeout=PATIENCE_S)

    def type(self, *keys: str) -> None:
        self._ask("send-keys", *keys)

    def clear(self) -> None:
        """An empty screen, and a prompt on top of it."""
        self.wait_for(r"^\$\n\Z")
        self.type("clear", "Enter")
        self.wait_for(r"\A\$\n\Z")

    def screen(self, *, styled: bool = False) -> str:
        return self._ask("capture-pane", "-p", *(["-e"] if styled else [])).rstrip("\n") + "\n"

    def cursor_shown(self) -> bool:
        return self._ask("display-message", "-p", "#{cursor_flag}").strip() == "1"

    def wait_for(self, pattern: str) -> str:
        """The screen when `pattern` stands on it."""
        until = time.monotonic() + PATIENCE_S
        while not re.search(pattern, shown := self.screen(), re.MULTILINE):
            assert time.monotonic() < until, f"waited for {pattern}:\n{shown}"
            time.sleep(0.05)
        return shown

    def shell(self) -> str:
        """The shell's process id."""
        return self._ask("display-message", "-p", "#{pane_pid}").strip()

    def _ask(self, *words: str) -> str:
        told = subprocess.run([*self._tmux, *words], capture_output=True, check=True, timeout=PATIENCE_S)
        return told.stdout.decode()


_TIME = r"\d[\d.]*(?:ms|s)\b"


def neutral(screen: str) -> str:
    """A screen without what differs from run to run: times, ids, bars, the spinner's turn."""
    for pattern, put in (
        (r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]", "*"),
        (r"\b[0-9a-f]{12}\b", "<run>"),
        (r" +run <run>$", "  run <run>"),
        (r"(built-in runner) \d\S*", r"\1 <version>"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "<when>"),
        (rf"0 ─+ {_TIME} ─+ {_TIME}", "<axis>"),
        (rf" *~?<?{_TIME}", " <time>"),
        (r" +[╺━╸]+", " <bar>"),
        (r"[ \t]+$", ""),
    ):
        screen = re.sub(pattern, put, screen, flags=re.MULTILINE)
    return screen
