"""Finds the real One CLI and becomes it. Runs before every foreign verb: imports next to nothing."""

import os
import sys

from one_trace.host.argv import RUN_VERBS, first_words, is_flow
from one_trace.host.via import DEEPEST, TOKEN, VIA, Via, identity, keep, mark_of, read_beginning, tag_of
from one_trace.settings.paths import expand, user_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

    from one_trace.host.via import Environment

BUILT_IN = "built-in"
NAME = "one"
_STARTS_US = (b"from one_trace", b"import one_trace", b"-m one_trace")
"""Every script that starts us contains one of these. The bare name may be that of a folder One CLI lies
in."""
_MOST_STATES = 64
"""State files that are searched for a run under way, the newest first."""


def find(env: "Mapping[str, str]") -> str | None:
    """The host's path; None for the built-in runner. Raises HostNotFound if the configured one cannot be
    used."""
    wanted, source = _configured(env)
    if not wanted:
        return _first(NAME, env)
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
    """Whether `path` starts one-trace: this script, a link to it, or another environment's copy."""
    if _is_this_script(path):
        return True
    start = read_beginning(path, 2048)
    return start.startswith(b"#!") and any(text in start for text in _STARTS_US)


def _is_this_script(path: str) -> bool:
    try:
        return os.path.samefile(path, sys.argv[0])
    except OSError:
        return False


def started_as_host(env: "Environment", words: "Sequence[str]") -> bool:
    """Whether we were started in the host's place: by ourselves, or by a wrapper that we mistook for the
    host. A wrapper's call is then recorded in `env`, for everything that reads `Via`.
    """
    via = Via(env)
    if via.ours:
        return True
    if not via.may_stand_in(words) or _next(env, via.all_tried) is None:
        return False
    if is_flow(list(words), RUN_VERBS) and _runs_a_flow(via):
        return False  # it is the host after all: a step of its flow started us
    env[VIA] = via.adopted()
    return True


def child_env(env: "Mapping[str, str]", argv: list[str], path: str, process: str) -> dict[str, str]:
    """The user's environment for the host, with the variable that keeps us from starting ourselves.
    `process`: the identity of the host's process.
    """
    child = dict(env)
    if _coerced(env):
        del child["LC_CTYPE"]
    via = Via(env)
    tag = via.tag if via.ours else tag_of(env.get(TOKEN))
    child[VIA] = via.then(tag, first_words(argv), path, process)
    return child


def exec_host(path: str, argv: list[str], env: "Mapping[str, str]") -> None:
    """Turn this process into the host. Returns only by raising OSError."""
    child = child_env(env, argv, path, identity())
    if not _runs_on_node(path):  # perhaps a wrapper, which may start us with an environment of its own
        keep(child[VIA])
    os.execve(path, [path, *argv], child)


def _runs_on_node(path: str) -> bool:
    start = read_beginning(path, 64)
    return start.startswith(b"#!") and b"node" in start.partition(b"\n")[0]


def become(path: str, argv: list[str], env: "Mapping[str, str]") -> None:
    """Replace this process by the host, for a run that is not traced. Returns only by raising
    HostNotFound."""
    import _signal  # type: ignore[import-not-found]  # `signal` would import enum

    check_depth(env)
    # Python ignores these two, and the host would inherit that.
    _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
    _signal.signal(_signal.SIGXFSZ, _signal.SIG_DFL)
    if not Via(env).ours:
        env = {name: value for name, value in env.items() if name != TOKEN}  # the token of another run
    try:
        exec_host(path, argv, env)
    except OSError as error:
        raise _unusable().cannot_start(path, error) from error


def check_depth(env: "Mapping[str, str]") -> None:
    """Raises HostNotFound if we have started ourselves too many times."""
    if Via(env).depth >= DEEPEST:
        raise _unusable().called_itself(DEEPEST)


def _unusable() -> "ModuleType":
    """The errors, imported only when one is raised."""
    from one_trace.host import unusable

    return unusable


def version(path: str) -> str | None:
    """The host's version, from the package.json above its program; None if it was not installed by npm."""
    import json

    from one_trace.guard.files import MIB, read_plain

    folder = os.path.dirname(os.path.realpath(path))
    for _ in range(4):
        try:
            package = json.loads(read_plain(os.path.join(folder, "package.json"), MIB))
        except (OSError, ValueError):
            folder = os.path.dirname(folder)
            continue
        number = package.get("version") if isinstance(package, dict) else None
        return number if isinstance(number, str) else None
    return None


def candidates(name: str, env: "Mapping[str, str]") -> list[str]:
    """Every executable `name` on PATH, in a shell's order, ours included."""
    folders = env.get("PATH", os.defpath).split(os.pathsep)
    paths = [os.path.abspath(os.path.join(folder, name)) for folder in folders]
    return [path for path in dict.fromkeys(paths) if os.path.isfile(path) and os.access(path, os.X_OK)]


def _first(name: str, env: "Mapping[str, str]") -> str | None:
    return _next(env, Via(env).tried, name)


def _next(env: "Mapping[str, str]", tried: "Sequence[str]", name: str = NAME) -> str | None:
    return next((path for path in candidates(name, env) if path not in tried and not is_ours(path)), None)


def _runs_a_flow(via: Via) -> bool:
    """Whether the program started in the host's place has begun a run: One CLI stores its environment before
    the first step.
    """
    from one_trace.guard.files import contains, newest

    pid = (via.last or "").partition(".")[0]
    for project in (".", f"/proc/{pid}/cwd"):
        for path in newest(os.path.join(project, ".one", "flows", ".runs"), _MOST_STATES):
            try:
                if contains(path, (mark_of(via.tag),)):
                    return True
            except OSError:
                continue
    return False


def _configured(env: "Mapping[str, str]") -> tuple[str | None, str]:
    """The configured host and what sets it: the environment, else the user's settings. A project may not."""
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


def _coerced(env: "Mapping[str, str]") -> bool:
    """Whether Python itself set LC_CTYPE (PEP 538): the host must get the user's environment."""
    if env.get("LC_CTYPE") not in ("C.UTF-8", "C.utf8", "UTF-8"):
        return False
    try:
        with open("/proc/self/environ", "rb") as file:
            return not any(entry.startswith(b"LC_CTYPE=") for entry in file.read().split(b"\0"))
    except OSError:
        return False
