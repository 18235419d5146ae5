"""The key of traces.com, and the password of a team's history: from the environment, else the file that
`trace login` writes (0600)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from one_trace.errors import CliError, SettingsError
from one_trace.settings import paths, problems

if TYPE_CHECKING:
    from pathlib import Path

    from one_trace.settings.history_url import HistoryUrl

API_KEY = "TRACES_API_KEY"
HISTORY_PASSWORD = f"{paths.ENV_PREFIX}HISTORY_PASSWORD"
_HISTORY_FILE = "history-credentials.toml"


def user_path(name: str, env: Mapping[str, str] | None = None) -> Path:
    """The file `name` in the user's config folder. Raises SettingsError if there is no home folder."""
    from pathlib import Path

    folder = paths.config_dir(os.environ if env is None else env)
    if not folder:
        raise problems.no_home("your settings", "or XDG_CONFIG_HOME")
    return Path(folder, name)


def credentials_path(env: Mapping[str, str] | None = None) -> Path:
    """Raises SettingsError if there is no home folder."""
    return user_path(paths.CREDENTIALS_FILE, env)


def api_key(env: Mapping[str, str] | None = None) -> str | None:
    """The key in force."""
    env = os.environ if env is None else env
    return env.get(API_KEY, "").strip() or saved_key(env)


def saved_key(env: Mapping[str, str]) -> str | None:
    """The key saved by `trace login`."""
    saved = _saved(paths.CREDENTIALS_FILE, env).get("api_key")
    return saved.strip() or None if isinstance(saved, str) else None


def _saved(name: str, env: Mapping[str, str]) -> Mapping[str, object]:
    """What a login has saved. Drafts of the file left by a killed one are deleted."""
    from one_trace.guard.private import sweep_drafts
    from one_trace.guard.toml import read_toml

    try:
        path = user_path(name, env)
        sweep_drafts(path)
        return read_toml(path)
    except (SettingsError, OSError, ValueError):
        return {}


def save_key(path: Path, key: str) -> None:
    """Raises CliError."""
    _save(path, "key", f'api_key = "{key}"\n')


def _save(path: Path, what: str, text: str) -> None:
    from one_trace.guard.private import write_whole

    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise CliError(f"cannot save the {what} in {path}: {error.strerror}", code="credentials") from error


def history_path(env: Mapping[str, str] | None = None) -> Path:
    """Raises SettingsError if there is no home folder."""
    return user_path(_HISTORY_FILE, env)


def history_password(url: HistoryUrl, env: Mapping[str, str] | None = None) -> str | None:
    """The password for this user of this server. One that was saved for another is not given."""
    env = os.environ if env is None else env
    if env.get(HISTORY_PASSWORD):
        return env[HISTORY_PASSWORD].rstrip("\r\n")
    saved = _saved(_HISTORY_FILE, env)
    password = saved.get("password")
    bound = (saved.get("server"), saved.get("user")) == (url.server, url.user)
    return password if bound and isinstance(password, str) and password else None


def save_history_password(path: Path, url: HistoryUrl, password: str) -> None:
    """Save the password for the URL's user and server. It must be printable. Raises CliError."""
    quoted = password.replace("\\", "\\\\").replace('"', '\\"')
    bound = f'server = "{url.server}"\nuser = "{url.user}"\n'
    _save(path, "password", f'{bound}password = "{quoted}"\n')


def delete_key(path: Path) -> bool:
    """Whether there was a saved key. Raises CliError."""
    from one_trace.guard.private import sweep_drafts

    sweep_drafts(path)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise CliError(f"cannot delete {path}: {error.strerror}", code="credentials") from error
    return True
