"""Finds the real One CLI and becomes it. On the way of every foreign verb: imports next to nothing."""

from __future__ import annotations

import os
import sys

from one_trace.host.argv import RUN_VERBS, first_words, is_flow
from one_trace.host.via import DEEPEST, TOKEN, VIA, Via, identity, keep, marks, read_beginning, word_of
from one_trace.settings.paths import expand, user_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

BUILT_IN = "built-in"
NAME = "one"
OUR_MARKS = (b"from one_trace", b"import one_trace", b"-m one_trace")
"""One of them stands in every script that starts us. The bare name may be a folder that One CLI lies in."""
_LOOKED_AT = 64
"""State files among which a run that is under way is looked for, the newest first."""


def find(env: Mapping[str, str]) -> str | None:
    """Path of the host, None for the built-in runner. HostNotFound if the one asked for cannot be it."""
    wanted, source = _wanted(env)
    if not wanted:
        return _on_path(env)
    if wanted == BUILT_IN:
        return None
    path = expand(wanted, env) if os.sep in wanted else _first(wanted, env) or wanted
    path = os.path.abspath(path)
    if not os.path.isfile(path):
        raise _unusable().not_a_file(source, path)
    if not os.access(path, os.X_OK):
        raise _unusable().not_executable(source, path)
    if is_ours(path) or path in Via(env).tried:
        raise _unusable().ourselves(source, path)
    return path


def is_ours(path: str) -> bool:
    """Whether starting `path` would start one-trace: this script, a link, another environment's copy."""
    if os.path.realpath(path) == os.path.realpath(sys.argv[0]):
        return True
    start = read_beginning(path, 2048)
    return start.startswith(b"#!") and any(mark in start for mark in OUR_MARKS)


def seen_through(env: dict[str, str] | os._Environ[str], words: Sequence[str]) -> bool:
    """Whether we have been started in the host's place: by ourselves, or by a wrapper that we took for the
    host. Of a wrapper, `env` is told so that all who ask `Via` know.
    """
    via = Via(env)
    if via.ours:
        return True
    if not via.may_stand_in(words) or _next(env, via.passed_over) is None:
        return False
    if is_flow(list(words), RUN_VERBS) and _runs_a_flow(via):
        return False  # it is the host: a step of its flow has started us
    env[VIA] = via.adopted()
    return True


def child_env(env: Mapping[str, str], argv: list[str], path: str, process: str) -> dict[str, str]:
    """The user's environment for the host, and the mark that keeps us from starting ourselves. `process`: the
    identity of what is to be the host."""
    ours = dict(env)
    if _coerced(env):
        del ours["LC_CTYPE"]
    via = Via(env)
    word = via.word if via.ours else word_of(env.get(TOKEN))
    ours[VIA] = via.then(word, first_words(argv), path, process)
    return ours


def exec_in_our_place(path: str, argv: list[str], env: Mapping[str, str]) -> None:
    """This process becomes the host. Comes back only by raising OSError."""
    given = child_env(env, argv, path, identity())
    if not _is_for_node(path):  # a wrapper, it may be, which starts us with an environment of its own
        keep(given[VIA])
    os.execve(path, [path, *argv], given)


def _is_for_node(path: str) -> bool:
    """Whether Node runs it, as One CLI itself."""
    start = read_beginning(path, 64)
    return start.startswith(b"#!") and b"node" in start.partition(b"\n")[0]


def become(path: str, argv: list[str], env: Mapping[str, str]) -> None:
    """Replace this process by the host. Comes back only by raising HostNotFound."""
    import _signal  # type: ignore[import-not-found]  # `signal` would import enum

    check_depth(env)
    # Python ignores these two, and what is ignored stays so in the host.
    _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
    _signal.signal(_signal.SIGXFSZ, _signal.SIG_DFL)
    if not Via(env).ours:
        env = {name: value for name, value in env.items() if name != TOKEN}  # of a run that we are not
    try:
        exec_in_our_place(path, argv, env)
    except OSError as error:
        raise _unusable().cannot_start(path, error) from error


def check_depth(env: Mapping[str, str]) -> None:
    if Via(env).depth >= DEEPEST:
        raise _unusable().called_itself(DEEPEST)


def _unusable() -> ModuleType:
    """The errors, imported only where there is one."""
    from one_trace.host import unusable

    return unusable


def version(path: str) -> str | None:
    """The host's version, from the package.json above its program; null where it was not installed by npm."""
    import json

    from one_trace.guard.files import MIB, read_plain

    folder = os.path.dirname(os.path.realpath(path))
    for _ in range(4):
        try:
            package = json.loads(read_plain(os.path.join(folder, "package.json"), MIB))
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
    return _next(env, Via(env).tried, name)


def _next(env: Mapping[str, str], tried: Sequence[str], name: str = NAME) -> str | None:
    return next((path for path in candidates(name, env) if path not in tried and not is_ours(path)), None)


def _runs_a_flow(via: Via) -> bool:
    """Whether what was started in the host's place has begun a run: One CLI writes its environment down
    before the first step.
    """
    from one_trace.guard.files import holds, newest

    pid = (via.last or "").partition(".")[0]
    for project in (".", f"/proc/{pid}/cwd"):
        for path in newest(os.path.join(project, ".one", "flows", ".runs"), _LOOKED_AT):
            try:
                if holds(path, (marks(via.word),)):
                    return True
            except OSError:
                continue
    return False


def _wanted(env: Mapping[str, str]) -> tuple[str | None, str]:
    """Which host is asked for, and where: the environment, else the user's settings. A project cannot."""
    for variable in ("ONE_TRACE_HOST", "ONE_TRACES_HOST"):
        if env.get(variable):
            return env[variable], variable
    path = user_file(env)
    if not path or not os.path.lexists(path):
        return None, ""
    from one_trace.guard.files import SETTINGS_LIMIT, read_plain

    try:
        if b"host" not in read_plain(path, SETTINGS_LIMIT):
            return None, ""
    except OSError:
        return None, ""
    from one_trace.settings.sources import load  # only now is there something to parse

    return load(env=env).host, "traces.host"


def _coerced(env: Mapping[str, str]) -> bool:
    """Whether Python itself put LC_CTYPE there (PEP 538): the host is to have the user's environment."""
    if env.get("LC_CTYPE") not in ("C.UTF-8", "C.utf8", "UTF-8"):
        return False
    try:
        with open("/proc/self/environ", "rb") as file:
            return not any(entry.startswith(b"LC_CTYPE=") for entry in file.read().split(b"\0"))
    except OSError:
        return False
