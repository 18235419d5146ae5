"""A terminal for tests, run by tmux: type into it and read its screen."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from machine import Machine

PATIENCE_S = 120


class Terminal:
    """A shell in a window of `columns` by `rows`, in the machine's project folder."""

    def __init__(self, machine: Machine, columns: int, rows: int, **env: str) -> None:
        tmux = shutil.which("tmux")
        if not tmux:
            pytest.skip("needs tmux")
        self._tmux = [tmux, "-f", "/dev/null", "-S", str(machine.root / "tmux")]
        shell = machine.write(machine.root / "shell", "PS1='$ '\n")
        variables = {**machine.env, "TERM": "screen-256color", "HISTFILE": "", **env}
        assignments = [f"{name}={value}" for name, value in variables.items()]
        size = ["-x", str(columns), "-y", str(rows)]
        bash = [shutil.which("bash") or "/bin/sh", "--rcfile", str(shell), "-i"]
        command = [*self._tmux, "-u", "new-session", "-d", *size, "env", "-i", *assignments, *bash]
        subprocess.run(command, cwd=machine.project, env=variables, check=True, timeout=PATIENCE_S)
        self.wait_for(r"^\$")

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False, timeout=PATIENCE_S)

    def type(self, *keys: str) -> None:
        self._ask("send-keys", *keys)

    def clear(self) -> None:
        """Clear the screen; the prompt is at its top."""
        self.wait_for(r"^\$\n\Z")
        self.type("clear", "Enter")
        self.wait_for(r"\A\$\n\Z")

    def screen(self, *, styled: bool = False) -> str:
        return self._ask("capture-pane", "-p", *(["-e"] if styled else [])).rstrip("\n") + "\n"

    def resize(self, columns: int, rows: int) -> None:
        self._ask("resize-window", "-x", str(columns), "-y", str(rows))

    def record(self, path: Path) -> None:
        """Write to `path` what programs print from now on, as they print it."""
        self._ask("pipe-pane", f"cat > {shlex.quote(str(path))}")

    def stop_recording(self) -> None:
        self._ask("pipe-pane")

    def scrollback(self) -> str:
        """The screen and all lines that it has scrolled away, wrapped ones joined."""
        return self._ask("capture-pane", "-p", "-J", "-S", "-")

    def forget(self) -> None:
        """Empty the scrollback."""
        self._ask("clear-history")

    def wait_for_cursor(self, *, shown: bool = True) -> None:
        """Wait until the cursor is shown, or hidden."""
        flag = "1" if shown else "0"
        until = time.monotonic() + PATIENCE_S
        while self._ask("display-message", "-p", "#{cursor_flag}").strip() != flag:
            assert time.monotonic() < until, f"waited for the cursor:\n{self.screen()}"
            time.sleep(0.05)

    def wait_for(self, pattern: str) -> str:
        """Wait until `pattern` matches the screen. Returns the screen."""
        shown = self.wait_until(lambda screen: re.search(pattern, screen, re.MULTILINE) is not None)
        assert re.search(pattern, shown, re.MULTILINE), f"waited for {pattern}:\n{shown}"
        return shown

    def wait_until(self, matches: Callable[[str], bool], seconds: float = PATIENCE_S) -> str:
        """The first screen that `matches`, or the last one when the time is up.

        A screen can be read while it is being drawn, so wait for what must be on it.
        """
        until = time.monotonic() + seconds
        while not matches(screen := self.screen()) and time.monotonic() < until:
            time.sleep(0.05)
        return screen

    def shell(self) -> str:
        """The process id of the shell."""
        return self._ask("display-message", "-p", "#{pane_pid}").strip()

    def _ask(self, *command: str) -> str:
        done = subprocess.run([*self._tmux, *command], capture_output=True, check=True, timeout=PATIENCE_S)
        return done.stdout.decode()


_TIME = r"(?:\d+m ?)?\d[\d.]*(?:ms|s)\b"


def neutral(screen: str) -> str:
    """The screen without what differs between runs: times, ids, bars, the frame of the spinner."""
    for pattern, put in (
        (r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]", "*"),
        (r"\b[0-9a-f]{12}\b", "<run>"),
        (r" +run <run>$", "  run <run>"),
        (r"(built-in runner) \d\S*", r"\1 <version>"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "<when>"),
        (rf"0 ─+ {_TIME} ─+ {_TIME}", "<axis>"),
        (rf" *~?<?{_TIME}", " <time>"),
        (r" +[╺━╸]+", " <bar>"),
        (r" +time +out\b", " time out"),  # the columns are as wide as their longest value
        (r"[ \t]+$", ""),
    ):
        screen = re.sub(pattern, put, screen, flags=re.MULTILINE)
    return screen
