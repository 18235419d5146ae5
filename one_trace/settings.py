"""The settings in force: which source says what, and which one wins.

Read with the standard library alone, because every traced run and every `trace` command waits for it;
`settings_model` makes a pydantic-settings model of the same keys.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from one_trace import places
from one_trace.errors import SettingsTrouble
from one_trace.keys import BY_NAME, KEYS, Visibility
from one_trace.places import ENV_PREFIX

if TYPE_CHECKING:
    from pathlib import Path

Source = Literal["environment", "project", "user", "default"]
API_KEY = "TRACES_API_KEY"
ENVIRONMENT = "the environment"
_WRONG = object()
"""In place of a value that is wrong, where the weaker sources and the default must not take its place."""


class Settings:
    """The values in force, each an attribute by its key's name; `sources` says where each one comes from."""

    enabled: bool
    namespace: str | None
    visibility: Visibility
    upload: Literal["auto", "manual"]
    flush_timeout: float
    errors: Literal["code", "full"]
    sinks: tuple[str, ...]
    endpoint: str
    otlp_endpoint: str | None
    live: bool
    retention: str
    host: str | None
    data_dir: Path
    sources: Mapping[str, Source]

    __slots__ = (*(key.name for key in KEYS), "sources")

    def __init__(
        self, values: Mapping[str, object], sources: Mapping[str, Source], env: Mapping[str, str]
    ) -> None:
        from pathlib import Path

        filled: dict[str, Any] = {key.name: values.get(key.name, key.default) for key in KEYS}
        filled["data_dir"] = Path(filled["data_dir"] or places.data_dir(env))
        filled["sources"] = MappingProxyType({key.name: sources.get(key.name, "default") for key in KEYS})
        for name, value in filled.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"settings are read, not written: {name}")

    @property
    def store_path(self) -> Path:
        return self.data_dir / "traces.db"


def load(cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Settings:
    """The values in force in `cwd`. Raises SettingsTrouble at the first source that is wrong."""
    settings, problems = load_lenient(cwd, env)
    if problems:
        raise problems[0]
    return settings


def load_lenient(
    cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> tuple[Settings, list[SettingsTrouble]]:
    """The values in force, what is wrong left out and told: a run goes on whatever its settings are."""
    env = os.environ if env is None else env
    values: dict[str, object] = {}
    sources: dict[str, Source] = {}
    problems: list[SettingsTrouble] = []
    for source, found in _layers(cwd, env, problems):
        for name, value in found.items():
            wrong = value is _WRONG
            values[name] = BY_NAME[name].wrong if wrong else value
            sources[name] = "default" if wrong else source
    return Settings(values, sources, env), problems


def _layers(
    cwd: Path | None, env: Mapping[str, str], problems: list[SettingsTrouble]
) -> list[tuple[Source, dict[str, object]]]:
    """The three sources that can say something, weakest first."""
    layers: list[tuple[Source, dict[str, object]]] = []
    user = places.user_file(env)
    if os.path.exists(user):
        layers.append(("user", _checked(read_file(user, problems), user, problems)))
    project = places.project_file(str(cwd) if cwd else None)
    if project:
        layers.append(("project", _of_project(project, problems)))
    given = {
        name[len(ENV_PREFIX) :].lower(): value for name, value in env.items() if name.startswith(ENV_PREFIX)
    }
    layers.append(("environment", _checked({k: v for k, v in given.items() if v}, ENVIRONMENT, problems)))
    return layers


def read_file(path: str, problems: list[SettingsTrouble]) -> dict[str, object]:
    """The `[traces]` table of a settings file; empty, and a problem told, where it cannot be read."""
    import tomllib

    try:
        with open(path, "rb") as file:
            document = tomllib.load(file)
    except OSError as error:
        problems.append(
            SettingsTrouble(f"cannot read {path}: {error.strerror}", hint="Its settings are not used.")
        )
        return {}
    except (ValueError, RecursionError) as error:  # not TOML, or not UTF-8
        problems.append(
            SettingsTrouble(
                f"{path} is not TOML: {error}", hint="Mend or remove it; its settings are not used."
            )
        )
        return {}
    table = document.get("traces", {})
    strangers = [name for name in document if name != "traces"]
    if strangers or not isinstance(table, dict):
        name = strangers[0] if strangers else "traces"
        problems.append(
            SettingsTrouble(
                f"{path}: settings stand under [traces], not in {name!r}", hint="Move or remove it."
            )
        )
    return table if isinstance(table, dict) else {}


def _checked(table: Mapping[str, object], where: str, problems: list[SettingsTrouble]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in table.items():
        key = BY_NAME.get(name)
        if key is None:
            problems.append(unknown(f"traces.{name}", where))
            continue
        try:
            found[name] = key.read(value)
        except ValueError as error:
            problems.append(SettingsTrouble(f"traces.{name} in {where} {error}", hint=_mend(name, where)))
            if key.wrong is not None:
                found[name] = _WRONG
    return found


def _mend(name: str, where: str) -> str:
    if where == ENVIRONMENT:
        return f"Mend or unset {ENV_PREFIX}{name.upper()}."
    return f"Mend it, or 'one config unset traces.{name}'."


def _of_project(path: str, problems: list[SettingsTrouble]) -> dict[str, object]:
    """A project's settings: all of them or, if it says anything that is not a project's business, none."""
    table = read_file(path, problems)
    mine: list[SettingsTrouble] = [trouble for item in table.items() if (trouble := project_may(*item))]
    for trouble in mine:
        problems.append(
            SettingsTrouble(
                f"{path}: {trouble.message}", hint="Nothing in this file is used until it is removed."
            )
        )
    return {} if mine else _checked(table, path, problems)


def project_may(name: str, value: object) -> SettingsTrouble | None:
    """Why a project may not set this, if it may not."""
    key = BY_NAME.get(name)
    allowed = ", ".join(key.name for key in KEYS if key.project)
    if key is None or not key.project:
        return SettingsTrouble(f"a project may not set traces.{name}", hint=f"It may set {allowed}.")
    if name == "visibility" and value == "public":
        return SettingsTrouble("a project may not set traces.visibility to public", hint="private or direct.")
    return None


def unknown(name: str, where: str | None = None) -> SettingsTrouble:
    """An unknown key, as it was written, and the nearest one that is known."""
    from difflib import get_close_matches

    near = get_close_matches(name.removeprefix("traces."), BY_NAME, n=1, cutoff=0.0)
    place = f" in {where}" if where else ""
    return SettingsTrouble(
        f"there is no setting {name}{place}", hint=f"Did you mean traces.{near[0]}?", code="unknown-key"
    )


def show(value: object) -> str:
    """A value as `config get` prints it, and as `config set` takes it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def credentials_path(env: Mapping[str, str] | None = None) -> Path:
    """Where `trace login` keeps the key (0600), beside the user's settings."""
    from pathlib import Path

    return Path(places.config_dir(os.environ if env is None else env)) / places.CREDENTIALS_FILE


def api_key(env: Mapping[str, str] | None = None) -> str | None:
    """The key of traces.com: TRACES_API_KEY, else what `trace login` kept (TOML, `api_key = "..."`)."""
    import tomllib

    env = os.environ if env is None else env
    given = env.get(API_KEY, "").strip()
    if given:
        return given
    try:
        with open(credentials_path(env), "rb") as file:
            kept = tomllib.load(file).get("api_key")
    except (OSError, ValueError):
        return None
    return kept.strip() or None if isinstance(kept, str) else None
