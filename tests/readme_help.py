"""Writes the help blocks of README.md from the program's output: ``python tests/readme_help.py``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"```console\n\$ one (.*?)\n(.*?)```", re.DOTALL)
COLUMNS = "100"


def help_text(command: str) -> str:
    """The output of ``one COMMAND``, 100 columns wide."""
    argv = [sys.executable, "-m", "one_trace", *command.split()]
    env = os.environ | {"COLUMNS": COLUMNS, "PYTHONPATH": str(ROOT)}
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=True).stdout


def with_current_help(text: str) -> str:
    return BLOCK.sub(lambda block: f"```console\n$ one {block[1]}\n{help_text(block[1])}```", text)


if __name__ == "__main__":
    README.write_text(with_current_help(README.read_text()))
