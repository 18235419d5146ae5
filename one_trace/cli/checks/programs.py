"""The programs that are needed: One CLI, one-trace in front of it on PATH, and Node."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from one_trace.answers.reports import Check
from one_trace.errors import HostNotFound
from one_trace.guard.text import shell_word
from one_trace.host import find, via
from one_trace.host.unusable import INSTALL
from one_trace.settings.sources import load

_TIMEOUT_S = 20.0
"""How long a program may take to print its version."""


def host() -> Iterator[Check]:
    try:
        path = find.find(os.environ)
    except HostNotFound as error:
        yield Check("host", "bad", error.message, error.hint)
        return
    ones = [one for one in find.candidates(find.NAME, os.environ) if not find.is_ours(one)]
    for one in ones if path in ones else [path] if path else []:
        if not _starts_us(one):
            yield Check("host", "ok", f"One CLI {find.version(one) or '(version unknown)'} at {one}")
            return
        yield Check("host", "note", f"{one} is a shim that starts one-trace")
    yield Check("host", "note", "no One CLI on PATH: the built-in runner runs flows", INSTALL)


def path() -> Iterator[Check]:
    """Whether a shell that looks for `one` finds one-trace first."""
    ones = find.candidates(find.NAME, os.environ)
    ours = [one for one in ones if find.is_ours(one)]
    folder = Path(ours[0]).parent if ours else sysconfig.get_path("scripts")
    fix = f'export PATH={shell_word(str(folder))}:"$PATH"'
    if not ones:
        yield Check("path", "note", "no `one` on PATH; one-trace was started by its path", fix)
    elif ones[0] in ours:
        yield Check("path", "ok", f"`one` is one-trace, at {ones[0]}")
    elif _starts_us(ones[0]):
        yield Check("path", "ok", f"`one` is one-trace, started by {ones[0]}")
    else:
        first = f"`one` is {ones[0]}: it comes before one-trace on PATH, so nothing is traced"
        yield Check("path", "bad", first, fix)


def node() -> Iterator[Check]:
    from one_trace.runner import node

    for path in node.candidates(os.environ):
        version = _output([path, "--version"]).decode(errors="replace").strip().removeprefix("v")
        major = version.split(".")[0]
        if major.isdecimal() and int(major) >= node.OLDEST:
            yield Check("node", "ok", f"Node {version} at {path}")
            return
    problem = node.missing()
    yield Check("node", "note", f"for the built-in runner alone: {problem.message}", problem.hint)


@cache
def _starts_us(program: str) -> bool:
    """Whether a program starts one-trace. It is run to find out: its text need not show it."""
    token = os.urandom(8).hex()
    probe = f"{via.PROBE} {token}"
    env = {**os.environ, via.VIA: probe}
    return token.encode() in _output([program, "--version"], env=env, pass_fds=via.keep(probe))


def on_finish() -> Iterator[Check]:
    """Whether the program for runs that did not succeed can be started."""
    program = load().on_finish
    if program is None:
        return
    if Path(program).is_file() and os.access(program, os.X_OK):
        yield Check("on_finish", "ok", f"{program} is started after runs that did not succeed")
    else:
        wrong = f"traces.on_finish is {program}, which is no program that can be started"
        yield Check("on_finish", "bad", wrong, "one config set traces.on_finish PROGRAM")


def _output(argv: list[str], *, env: dict[str, str] | None = None, pass_fds: Sequence[int] = ()) -> bytes:
    """The standard output of a program; empty if it cannot be run."""
    try:
        return subprocess.run(
            argv,
            env=env,
            pass_fds=pass_fds,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_S,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return b""
