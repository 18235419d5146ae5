"""The modules that each fast path imports; ``python -m tests.fast_paths`` writes them to fast_paths.txt.

Start-up time is mostly imports. Review a change of the list before you commit it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.machine import Machine

LISTED = Path(__file__).with_suffix(".txt")
EXPENSIVE = (
    "__future__", "asyncio", "dataclasses", "email", "enum", "http", "json", "logging", "pathlib", "re",
    "sqlite3", "ssl", "subprocess", "tomllib", "typing", "unittest", "urllib",
)  # fmt: skip
"""Modules of the standard library that cost noticeable time to import. `__future__` alone is a hundredth of a
foreign verb."""
_PROGRAM = """
import os, sys
from one_trace.main import main

def report(*_):
    print(*sys.modules, sep="\\n", file=sys.stderr)
    os._exit(0)

{before}
main()
report()
"""
_AT_EXEC = "os.execve = os.execv = report"
_AT_START_OF_HOST = "from one_trace.host import supervise; supervise.run = report"
_BUILT_IN = "os.environ['ONE_TRACE_HOST'] = 'built-in'"
_AT_START_OF_NODE = f"{_BUILT_IN}; os.posix_spawn = report"
_NO_INPUT = "os.dup2(os.open(os.devnull, os.O_RDONLY), 0)"
PATHS: dict[str, tuple[list[str], str]] = {
    "foreign verb": (["actions", "search", "tea"], _AT_EXEC),
    "untraced run": (["flow", "execute", "k", "--no-trace"], _AT_EXEC),
    "head of a traced run": (["--agent", "flow", "execute", "k", "--trace"], _AT_START_OF_HOST),
    "head of the built-in runner": (["flow", "execute", "k", "--no-trace"], _AT_START_OF_NODE),
    "built-in runner": (["--agent", "flow", "execute", "k", "--no-trace"], _BUILT_IN),
    "TAB": (["flow", "execute", ""], "os.environ['_ONE_TRACE_COMPLETE'] = '1'"),
    "trace show": (["--agent", "trace", "show"], ""),
    "start of trace mcp": (["trace", "mcp"], _NO_INPUT),
}


def imported(machine: Machine, name: str) -> list[str]:
    """Our modules, the packages of others and the expensive modules of Python that this path imports."""
    argv, before = PATHS[name]
    program = [sys.executable, "-c", _PROGRAM.format(before=before), *argv]
    plain = [sys.executable, "-c", "import sys; print(*sys.modules, sep='\\n', file=sys.stderr)"]
    loaded, started = (
        set(subprocess.run(command, env=machine.env, cwd=machine.project, capture_output=True, text=True,
                           check=True).stderr.split("\n"))
        for command in (program, plain)
    )  # fmt: skip
    return sorted(filter(None, map(_listed, loaded - started)))


def _listed(module: str) -> str | None:
    package = module.partition(".")[0]
    if package == "one_trace" or module in EXPENSIVE:
        return module
    ours = package.startswith("_") or package in sys.stdlib_module_names
    return None if ours or module != package else package


def listed() -> dict[str, list[str]]:
    sections = LISTED.read_text().strip().split("\n\n")
    return {head: modules for head, *modules in (section.split("\n") for section in sections)}


def main() -> None:
    sections = []
    for name in PATHS:
        with tempfile.TemporaryDirectory() as folder:
            machine = Machine(Path(folder))
            machine.player("02-linear-unicode")
            machine.one("--agent", "flow", "execute", "k", "--trace")
            sections.append("\n".join([name, *imported(machine, name)]))
    LISTED.write_text("\n\n".join(sections) + "\n")


if __name__ == "__main__":
    main()
