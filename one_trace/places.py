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
    """Directory of the user's settings, as platformdirs has it."""
    return _user_dir(env, "XDG_CONFIG_HOME", ".config", "user_config_dir")


def data_dir(env: Mapping[str, str]) -> str:
    """Directory of the store where no setting says otherwise, as platformdirs has it."""
    return _user_dir(env, "XDG_DATA_HOME", os.path.join(".local", "share"), "user_data_dir")


def user_file(env: Mapping[str, str]) -> str:
    return os.path.join(config_dir(env), USER_FILE)


def project_file(cwd: str | None = None) -> str | None:
    """The nearest `.one/traces.toml` from `cwd` (default: here) upwards."""
    try:
        folder = os.path.abspath(cwd or os.getcwd())
    except FileNotFoundError:  # the working directory has been deleted
        return None
    while True:
        path = os.path.join(folder, PROJECT_FILE)
        if os.path.isfile(path):
            return path
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def anything_set(env: Mapping[str, str]) -> bool:
    """Whether any source says anything: if none does, the defaults hold and nothing need be imported."""
    if any(name.startswith(ENV_PREFIX) for name in env):
        return True
    return os.path.exists(user_file(env)) or project_file() is not None


def _user_dir(env: Mapping[str, str], variable: str, below_home: str, ask: str) -> str:
    # platformdirs costs a third of an interpreter's start; on Linux its answer is this (a test compares).
    if sys.platform == "linux":
        base = env.get(variable, "").strip() or os.path.join(_home(env), below_home)
        return os.path.join(base, "one-trace")
    import platformdirs

    return str(getattr(platformdirs, ask)("one-trace", appauthor=False))


def _home(env: Mapping[str, str]) -> str:
    return env.get("HOME") or os.path.expanduser("~")
