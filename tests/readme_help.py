"""The help blocks of README.md, written anew from the program: ``python tests/readme_help.py``."""

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


def told(command: str) -> str:
    """What the program says to ``one COMMAND`` in 100 columns."""
    argv = [sys.executable, "-m", "one_trace", *command.split()]
    env = os.environ | {"COLUMNS": COLUMNS, "PYTHONPATH": str(ROOT)}
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=True).stdout


def written(text: str) -> str:
    return BLOCK.sub(lambda block: f"```console\n$ one {block[1]}\n{told(block[1])}```", text)


if __name__ == "__main__":
    README.write_text(written(README.read_text()))
