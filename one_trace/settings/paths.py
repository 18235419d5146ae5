"""Where our own files are. Runs before every verb, the host's too: imports only `os`."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

USER_FILE = "config.toml"
PROJECT_FILE = os.path.join(".one", "traces.toml")
CREDENTIALS_FILE = "credentials.toml"
ENV_PREFIX = "ONE_TRACES_"


def config_dir(env: "Mapping[str, str]") -> str:
    """The folder of the user's settings, as from platformdirs; empty for a user without a home folder."""
    return _user_dir(env, "XDG_CONFIG_HOME", ".config", "user_config_dir")


def data_dir(env: "Mapping[str, str]") -> str:
    """The default folder of the store; empty for a user without a home folder."""
    return _user_dir(env, "XDG_DATA_HOME", os.path.join(".local", "share"), "user_data_dir")


def cache_dir(env: "Mapping[str, str]") -> str:
    """The folder of files that can be recreated; empty for a user without a home folder."""
    return _user_dir(env, "XDG_CACHE_HOME", ".cache", "user_cache_dir")


def user_file(env: "Mapping[str, str]") -> str:
    """Path of the user's settings file; empty for a user without a home folder."""
    folder = config_dir(env)
    return os.path.join(folder, USER_FILE) if folder else ""


def project_file(cwd: str | None = None) -> str | None:
    """The nearest `.one/traces.toml` from `cwd` upwards, whatever kind of file it is."""
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


def anything_set(env: "Mapping[str, str]") -> bool:
    """Whether any source sets anything. If none does, the defaults apply and nothing need be imported."""
    if any(name.startswith(ENV_PREFIX) for name in env):
        return True
    return os.path.lexists(user_file(env)) or project_file() is not None


def expand(path: str, env: "Mapping[str, str]") -> str:
    """`path` with a leading `~` or `~user` expanded; unchanged if that is not an absolute folder.

    `os.path.expanduser` would turn `~/x` into `/x` if HOME is empty.
    """
    first, slash, rest = path.partition("/")
    if not first.startswith("~"):
        return path
    home = _home(env) if first == "~" else os.path.expanduser(first)  # noqa: TID251
    return f"{home.rstrip('/')}{slash}{rest}" or "/" if os.path.isabs(home) else path


def _user_dir(env: "Mapping[str, str]", variable: str, below_home: str, ask: str) -> str:
    # Importing platformdirs takes a third of an interpreter's start; this is its result on Linux (tested).
    if sys.platform == "linux":
        base = env.get(variable, "").strip()
        if not os.path.isabs(base):  # the XDG specification: ignore relative paths
            home = _home(env)
            base = os.path.join(home, below_home) if home else ""
        return os.path.join(base, "one-trace") if base else ""
    import platformdirs

    found = str(getattr(platformdirs, ask)("one-trace", appauthor=False))
    return found if os.path.isabs(found) else ""


def _home(env: "Mapping[str, str]") -> str:
    """The user's home folder, absolute; empty if neither HOME nor the system's list of users has one."""
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
