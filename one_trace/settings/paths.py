"""Where our own files lie. Only `os` is imported: this runs before every verb, the host's too."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

USER_FILE = "config.toml"
PROJECT_FILE = os.path.join(".one", "traces.toml")
CREDENTIALS_FILE = "credentials.toml"
ENV_PREFIX = "ONE_TRACES_"


def config_dir(env: Mapping[str, str]) -> str:
    """Directory of the user's settings, as platformdirs has it; empty for a user without a home folder."""
    return _user_dir(env, "XDG_CONFIG_HOME", ".config", "user_config_dir")


def data_dir(env: Mapping[str, str]) -> str:
    """Directory of the store where no setting says otherwise; empty for a user without a home folder."""
    return _user_dir(env, "XDG_DATA_HOME", os.path.join(".local", "share"), "user_data_dir")


def cache_dir(env: Mapping[str, str]) -> str:
    """Directory of what can be made again; empty for a user without a home folder."""
    return _user_dir(env, "XDG_CACHE_HOME", ".cache", "user_cache_dir")


def user_file(env: Mapping[str, str]) -> str:
    """Path of the user's settings file; empty for a user without a home folder."""
    folder = config_dir(env)
    return os.path.join(folder, USER_FILE) if folder else ""


def project_file(cwd: str | None = None) -> str | None:
    """The nearest `.one/traces.toml` from `cwd` (default: here) upwards, whatever kind of file it is."""
    try:
        folder = os.path.abspath(cwd or os.getcwd())
    except FileNotFoundError:  # the working directory has been deleted
        return None
    while True:
        path = os.path.join(folder, PROJECT_FILE)
        if os.path.lexists(path):
            return path
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def anything_set(env: Mapping[str, str]) -> bool:
    """Whether any source says anything: if none does, the defaults hold and nothing need be imported."""
    if any(name.startswith(ENV_PREFIX) for name in env):
        return True
    return os.path.lexists(user_file(env)) or project_file() is not None


def expand(path: str, env: Mapping[str, str]) -> str:
    """`path` with `~` and `~user` at its start replaced, where that is an absolute folder; else as it is.

    `os.path.expanduser` makes `/x` of `~/x` where HOME is empty, and leaves `~/x` where there is no home.
    """
    first, slash, rest = path.partition("/")
    if not first.startswith("~"):
        return path
    home = _home(env) if first == "~" else os.path.expanduser(first)  # noqa: TID251
    return f"{home.rstrip('/')}{slash}{rest}" or "/" if os.path.isabs(home) else path


def _user_dir(env: Mapping[str, str], variable: str, below_home: str, ask: str) -> str:
    # platformdirs costs a third of an interpreter's start; on Linux its answer is this (a test compares).
    if sys.platform == "linux":
        base = env.get(variable, "").strip()
        if not os.path.isabs(base):  # as the XDG specification says: a relative one is ignored
            home = _home(env)
            base = os.path.join(home, below_home) if home else ""
        return os.path.join(base, "one-trace") if base else ""
    import platformdirs

    found = str(getattr(platformdirs, ask)("one-trace", appauthor=False))
    return found if os.path.isabs(found) else ""


def _home(env: Mapping[str, str]) -> str:
    """The user's home folder, absolute; empty where neither HOME nor the system's list of users has one."""
    home = env.get("HOME", "")
    if os.path.isabs(home):
        return home
    if sys.platform == "win32":
        return os.path.expanduser("~")  # noqa: TID251
    import pwd

    try:
        home = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return ""
    return home if os.path.isabs(home) else ""
