"""The key of traces.com: from the environment, else the file that `trace login` writes (0600)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from one_trace.errors import CliError, SettingsError
from one_trace.settings import paths, problems

if TYPE_CHECKING:
    from pathlib import Path

API_KEY = "TRACES_API_KEY"


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
    """The key saved by `trace login`. Drafts of the file left by a killed login are deleted."""
    from one_trace.guard.private import sweep_drafts
    from one_trace.guard.toml import read_toml

    try:
        path = credentials_path(env)
        sweep_drafts(path)
        saved = read_toml(path).get("api_key")
    except (SettingsError, OSError, ValueError):
        return None
    return saved.strip() or None if isinstance(saved, str) else None


def save_key(path: Path, key: str) -> None:
    """Raises CliError."""
    from one_trace.guard.private import write_whole

    try:
        write_whole(path, f'api_key = "{key}"\n'.encode())
    except OSError as error:
        raise CliError(f"cannot save the key in {path}: {error.strerror}", code="credentials") from error


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
