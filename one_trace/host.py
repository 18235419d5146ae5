"""Finds the real One CLI and becomes it. On the way of every foreign verb: imports next to nothing."""

from __future__ import annotations

import os
import sys

from one_trace.errors import NoHost
from one_trace.places import user_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BUILT_IN = "built-in"
NAME = "one"
INSTALL = "npm install -g @withone/cli"
OUR_MARKS = (b"from one_trace", b"import one_trace", b"-m one_trace")
"""One of them stands in every script that starts us. The bare name may be a folder that One CLI lies in."""
VIA = "ONE_TRACE_VIA"
"""How the process was reached: `exec|spawn PID DEPTH TRIED...`. Keeps copies of us from looping."""
TOKEN = "ONE_TRACE_TOKEN"
"""A random word in the environment of a traced run of the host, which stores it: that finds the run."""
DEEPEST = 32
"""Traced flows that start traced flows, or a wrapper around us that we take for the host."""


class Via:
    """What `ONE_TRACE_VIA` says about this very process."""

    def __init__(self, env: Mapping[str, str]) -> None:
        how, pid, depth, tried = (env.get(VIA, "").split(" ", 3) + [""] * 4)[:4]
        self.depth = int(depth) if depth.isdecimal() else 0
        # What we became has our pid, what we started has us as its parent. Anything else inherited it.
        self.ours = pid == str(os.getpid() if how == "exec" else os.getppid())
        self.tried = tried.split(os.pathsep) if self.ours and tried else []

    def then(self, how: str, path: str) -> str:
        return f"{how} {os.getpid()} {self.depth + 1} {os.pathsep.join([*self.tried, path])}"


def find(env: Mapping[str, str]) -> str | None:
    """Path of the host, None for the built-in runner. NoHost if the one that is asked for cannot be it."""
    wanted, source = _wanted(env)
    if not wanted:
        return _on_path(env)
    if wanted == BUILT_IN:
        return None
    path = os.path.expanduser(wanted) if os.sep in wanted else _first(wanted, env) or wanted
    path = os.path.abspath(path)
    mend = f"Set {source} to the path of One CLI's program, or unset it."
    if not os.path.isfile(path):
        raise NoHost(f"{source} names {path}, which is no file", hint=mend)
    if not os.access(path, os.X_OK):
        from one_trace.guard.text import shell_word

        raise NoHost(
            f"{source} names {path}, which is not executable",
            hint=f"chmod +x {shell_word(path)}",
            code="host-not-executable",
        )
    if is_ours(path) or path in Via(env).tried:
        raise NoHost(f"{source} names {path}, which is one-trace itself", hint=mend)
    return path


def is_ours(path: str) -> bool:
    """Whether starting `path` would start one-trace: this script, a link, another environment's copy."""
    if os.path.realpath(path) == os.path.realpath(sys.argv[0]):
        return True
    try:
        with open(path, "rb") as file:
            start = file.read(2048)
    except OSError:
        return False
    return start.startswith(b"#!") and any(mark in start for mark in OUR_MARKS)


def child_env(env: Mapping[str, str], how: str, path: str) -> dict[str, str]:
    """The user's environment for the host, and the mark that keeps us from starting ourselves."""
    ours = dict(env)
    if _coerced(env):
        del ours["LC_CTYPE"]
    if how == "exec":
        ours.pop(TOKEN, None)  # of a traced run that started us: this run is not that one
    ours[VIA] = Via(env).then(how, path)
    return ours


def start(
    path: str, argv: list[str], env: Mapping[str, str], mask: Iterable[int] = (), output: int | None = None
) -> int:
    """Start the host beside us, with our own streams, terminal and process group. Returns its pid.

    `output`: a file descriptor that takes what it would have written to stdout and stderr.
    """
    from signal import SIGPIPE, SIGXFSZ

    check_depth(env)
    moves = [] if output is None else [(os.POSIX_SPAWN_DUP2, output, fd) for fd in (1, 2)]
    try:
        return os.posix_spawn(
            path,
            [path, *argv],
            child_env(env, "spawn", path),
            file_actions=moves,
            setsigmask=mask,
            setsigdef=[SIGPIPE, SIGXFSZ],
        )
    except OSError as error:
        raise cannot_start(path, error) from error


def wait_for(path: str, argv: list[str], env: Mapping[str, str]) -> int:
    """Run the host to its end. Returns its exit code, 128 + N where signal N ended it."""
    code = os.waitstatus_to_exitcode(os.waitpid(start(path, argv, env), 0)[1])
    return code if code >= 0 else 128 - code


def become(path: str, argv: list[str], env: Mapping[str, str]) -> None:
    """Replace this process by the host. Comes back only by raising NoHost."""
    import _signal  # type: ignore[import-not-found]  # `signal` would import enum

    check_depth(env)
    # Python ignores these two, and what is ignored stays so in the host.
    _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
    _signal.signal(_signal.SIGXFSZ, _signal.SIG_DFL)
    try:
        os.execve(path, [path, *argv], child_env(env, "exec", path))
    except OSError as error:
        raise cannot_start(path, error) from error


def check_depth(env: Mapping[str, str]) -> None:
    if Via(env).depth >= DEEPEST:
        raise NoHost(
            f"one-trace has been started {DEEPEST} times within itself",
            hint="Some `one` on PATH starts one-trace again: set ONE_TRACE_HOST to One CLI's own program.",
            code="host-loop",
        )


def cannot_start(path: str, error: OSError) -> NoHost:
    reason = error.strerror or str(error)
    if isinstance(error, FileNotFoundError):
        reason = "the interpreter in its first line is not there"
    return NoHost(
        f"cannot start {path}: {reason}", hint=f"Reinstall One CLI: {INSTALL}", code="host-not-executable"
    )


def missing(verb: str) -> NoHost:
    """What to say where only One CLI itself could have answered."""
    what = f"`one {verb}`" if verb else "this"
    return NoHost(f"{what} needs One CLI, which is not on PATH: {INSTALL}")


def version(path: str) -> str | None:
    """The host's version, from the package.json above its program; null where it was not installed by npm."""
    import json

    folder = os.path.dirname(os.path.realpath(path))
    for _ in range(4):
        try:
            with open(os.path.join(folder, "package.json"), encoding="utf-8") as file:
                package = json.load(file)
        except (OSError, ValueError):
            folder = os.path.dirname(folder)
            continue
        found = package.get("version") if isinstance(package, dict) else None
        return found if isinstance(found, str) else None
    return None


def candidates(name: str, env: Mapping[str, str]) -> list[str]:
    """Every executable `name` on PATH, as a shell would find them, ours included."""
    folders = env.get("PATH", os.defpath).split(os.pathsep)
    paths = [os.path.abspath(os.path.join(folder, name)) for folder in folders]
    return [path for path in dict.fromkeys(paths) if os.path.isfile(path) and os.access(path, os.X_OK)]


def _on_path(env: Mapping[str, str]) -> str | None:
    return _first(NAME, env)


def _first(name: str, env: Mapping[str, str]) -> str | None:
    tried = Via(env).tried
    return next((path for path in candidates(name, env) if path not in tried and not is_ours(path)), None)


def _wanted(env: Mapping[str, str]) -> tuple[str | None, str]:
    """Which host is asked for, and where: the environment, else the user's settings. A project cannot."""
    for variable in ("ONE_TRACE_HOST", "ONE_TRACES_HOST"):
        if env.get(variable):
            return env[variable], variable
    path = user_file(env)
    try:
        with open(path, "rb") as file:
            if b"host" not in file.read():
                return None, ""
    except OSError:
        return None, ""
    from one_trace.settings import load_lenient  # only now is there something to parse

    return load_lenient(env=env)[0].host, "traces.host"


def _coerced(env: Mapping[str, str]) -> bool:
    """Whether Python itself put LC_CTYPE there (PEP 538): the host is to have the user's environment."""
    if env.get("LC_CTYPE") not in ("C.UTF-8", "C.utf8", "UTF-8"):
        return False
    try:
        with open("/proc/self/environ", "rb") as file:
            return not any(entry.startswith(b"LC_CTYPE=") for entry in file.read().split(b"\0"))
    except OSError:
        return False
