"""The programs that are needed: One CLI, one-trace in front of it on PATH, and Node."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from one_trace.answers.reports import Check
from one_trace.deliver.phrases import listed
from one_trace.errors import CliError, HostNotFound
from one_trace.guard.text import clean, shell_word
from one_trace.host import find, via
from one_trace.host.unusable import INSTALL
from one_trace.settings import problems, sources

TIMEOUT_S = 10.0
"""How long a program may take to print its version."""
_LONGEST_REASON = 200
_MOST_NAMED = 5
_VERSION = re.compile(r"(?<![\w.])v?([0-9]+\.[0-9]+\.[0-9]+[\w.+-]{0,30})")


class Ran(NamedTuple):
    """What a program did that was asked for its version. `failure` is empty if it succeeded."""

    out: str
    failure: str

    @property
    def version(self) -> str | None:
        found = _VERSION.search(self.out.partition("\n")[0])
        return found[1] if found else None


def host() -> Iterator[Check]:
    """Whether One CLI is there and runs."""
    try:
        shims, one = _behind_shims()
    except HostNotFound as error:
        yield Check("host", "bad", error.message, error.fix or error.hint)
        return
    values = sources.load()
    for shim in shims:
        yield Check("host", "note", f"{shim} is a shim that starts one-trace")
    if one is not None:
        yield _host(one, values)
    elif values.host == find.BUILT_IN:
        yield Check("host", "ok", f"the built-in runner runs flows (traces.host, {values.sources['host']})")
    else:
        yield Check("host", "note", "no One CLI on PATH: the built-in runner runs flows", INSTALL)


def _host(one: str, values: sources.Settings) -> Check:
    problem = host_problem(one)
    if problem is not None:
        fix = problems.unset("host", values.sources["host"]) if values.host else problem.hint
        return Check("host", "bad", problem.message, fix)
    version = find.version(one) or ask(one).version or "(version unknown)"
    return Check("host", "ok", f"One CLI {version} at {one}")


@cache
def _behind_shims() -> tuple[list[str], str | None]:
    """Programs on PATH that start one-trace again, and One CLI, which they lead to. Raises HostNotFound."""
    path = find.find(os.environ)
    ones = [one for one in find.candidates(find.NAME, os.environ) if not find.is_ours(one)]
    ones = ones if path in ones else [path] if path else []
    host = next((one for one in ones if not starts_us(one)), None)
    return ones[: ones.index(host)] if host else ones, host


def host_problem(path: str) -> CliError | None:
    """Why the program at `path` cannot be One CLI; None if it runs. Asks it for its version."""
    failure = ask(path).failure
    return CliError(f"{path} does not run: {failure}", hint=INSTALL) if failure else None


def path() -> Iterator[Check]:
    """Whether a shell that looks for `one` finds one-trace first."""
    ones = find.candidates(find.NAME, os.environ)
    ours = [one for one in ones if find.is_ours(one)]
    if not ones:
        fix = _first_on_path(_scripts())
        yield Check("path", "note", "there is no `one` on PATH", fix)
    elif ones[0] in ours:
        yield _ours(ones[0])
    elif starts_us(ones[0]):
        yield Check("path", "ok", f"`one` is one-trace, started by {ones[0]}")
    else:
        first = f"`one` is {ones[0]}: it comes before one-trace on PATH, so nothing is traced"
        yield Check("path", "bad", first, _first_on_path(str(Path(ours[0]).parent) if ours else _scripts()))
    unused = _unused(ones, [*ones[:1], *ours[:1]])
    if unused:
        yield Check("path", "note", f"also on PATH, and not used: {listed(unused, _MOST_NAMED)}")


def _ours(first: str) -> Check:
    """`one` on PATH is one-trace: this one, or another installation, of another version perhaps."""
    folder = Path(sys.argv[0]).resolve().parent
    if (folder / find.NAME).is_file() and folder != Path(first).resolve().parent:
        other = f"`one` is the one-trace at {first}, another installation than this one in {folder}"
        return Check("path", "note", other, _first_on_path(str(folder)))
    return Check("path", "ok", f"`one` is one-trace, at {first}")


def _unused(ones: list[str], used: list[str]) -> list[str]:
    """Programs `one` that nothing leads to, each under one of its names."""
    with suppress(HostNotFound):
        shims, host = _behind_shims()
        used = [*used, *shims, *([host] if host else [])]
    seen, unused = {os.path.realpath(each) for each in used}, []
    for one in ones:
        if os.path.realpath(one) not in seen:
            unused.append(one)
        seen.add(os.path.realpath(one))
    return unused


def _scripts() -> str | None:
    """The folder of our own console scripts; None if this is no installation."""
    folder = sysconfig.get_path("scripts")
    return folder if Path(folder, find.NAME).is_file() else None


def _first_on_path(folder: str | None) -> str | None:
    return f'export PATH={shell_word(folder)}:"$PATH"' if folder else None


def node() -> Iterator[Check]:
    """Node, which the built-in runner needs: bad only where nothing else runs flows."""
    from one_trace.runner import node

    for path in node.candidates(os.environ):
        version = ask(path).version or ""
        major = version.split(".")[0]
        if major.isdecimal() and int(major) >= node.OLDEST:
            yield Check("node", "ok", f"Node {version} at {path}")
            return
    problem = node.missing()
    if _host_is_used():
        yield Check("node", "ok", "there is no Node for the built-in runner, which is not used")
    else:
        yield Check("node", "bad", problem.message, problem.fix)


def _host_is_used() -> bool:
    try:
        return _behind_shims()[1] is not None
    except HostNotFound:
        return True


def on_finish(settings: sources.Settings | None = None) -> Iterator[Check]:
    """Whether the program for runs that did not succeed can be started."""
    program = (settings or sources.load()).on_finish
    if program is None:
        return
    if Path(program).is_file() and os.access(program, os.X_OK):
        yield Check("on_finish", "ok", f"{program} is started after runs that did not succeed")
    else:
        wrong = f"traces.on_finish is {program}, which is no program that can be started"
        yield Check("on_finish", "bad", wrong, "one config unset traces.on_finish")


@cache
def ask(program: str) -> Ran:
    """Run ``PROGRAM --version``, once. If it leads to one-trace, that prints `_PROBE` and does no more."""
    env, descriptors = {**os.environ, via.VIA: _PROBE}, via.keep(_PROBE)
    try:
        done = subprocess.run(
            [program, "--version"],
            env=env,
            pass_fds=descriptors,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return Ran("", f"`--version` does not end within {TIMEOUT_S:.0f} s")
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "it cannot be started"
        if isinstance(error, FileNotFoundError):
            reason = "the interpreter in its first line was not found"
        return Ran("", reason)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    out = done.stdout[:4096].decode("utf-8", "replace")
    if done.returncode == 0:
        return Ran(out, "")
    last = done.stderr[-4096:].decode("utf-8", "replace").strip().rpartition("\n")[2]
    reason = f": {clean(last, _LONGEST_REASON)}" if last else ""
    return Ran(out, f"`--version` ends with code {done.returncode}{reason}")


def starts_us(program: str) -> bool:
    """Whether a program starts one-trace. It is run to find out: its text need not show it."""
    return _PROBE in ask(program).out


_PROBE = f"{via.PROBE} {os.urandom(8).hex()}"
