"""The settings in force: which source says what, and which one wins.

Read with the standard library alone, because every traced run and every `trace` command waits for it;
`settings_model` makes a pydantic-settings model of the same keys.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from one_trace.errors import SettingsError
from one_trace.settings import paths
from one_trace.settings.keys import BY_NAME, KEYS, Visibility
from one_trace.settings.paths import ENV_PREFIX

if TYPE_CHECKING:
    from pathlib import Path

Source = Literal["environment", "project", "user", "default"]
API_KEY = "TRACES_API_KEY"
ENVIRONMENT = "the environment"
DELIVERY = frozenset({"namespace", "visibility", "errors", "sinks", "endpoint", "otlp_endpoint"})
"""Keys that decide where a trace goes and how much of it: nothing is sent while one of them is invalid."""
_ALL = frozenset(BY_NAME)
_OF_PROJECTS = frozenset(key.name for key in KEYS if key.project)
_NAMED = 5
"""Keys that one message names at most."""


class Settings:
    """The values in force, each an attribute by its key's name; `sources` says where each one comes from.

    `problems`: what is wrong with the sources. The values are those without it, so a command that acts on a
    key asks `require` first.
    """

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
    sources: Mapping[str, Source]
    problems: tuple[SettingsError, ...]

    __slots__ = (*(key.name for key in KEYS if key.name != "data_dir"), "_data_dir", "problems", "sources")

    def __init__(
        self,
        values: Mapping[str, object],
        sources: Mapping[str, Source],
        env: Mapping[str, str],
        problems: Sequence[SettingsError] = (),
    ) -> None:
        filled: dict[str, Any] = {key.name: values.get(key.name, key.default) for key in KEYS}
        filled["_data_dir"] = filled.pop("data_dir") or paths.data_dir(env)
        filled["sources"] = MappingProxyType({key.name: sources.get(key.name, "default") for key in KEYS})
        filled["problems"] = tuple(problems)
        for name, value in filled.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"settings are read, not written: {name}")

    @property
    def data_dir(self) -> Path:
        """Raises SettingsError where there is no home folder to put it in."""
        from pathlib import Path

        found: str = self._data_dir  # type: ignore[attr-defined]
        if not found:
            raise no_home("the store", "XDG_DATA_HOME or ONE_TRACES_DATA_DIR")
        return Path(found)

    @property
    def store_path(self) -> Path:
        """Raises SettingsError, as `data_dir`."""
        return self.data_dir / "traces.db"

    def doubt(self, *names: str) -> SettingsError | None:
        """The first problem because of which one of these keys may not have the value that was meant."""
        return next((each for each in self.problems if not each.keys.isdisjoint(names)), None)

    def require(self, *names: str) -> None:
        """Raise that problem, if there is one: for what acts on these keys."""
        problem = self.doubt(*names)
        if problem is not None:
            raise problem


def load(cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Settings:
    """The values in force in `cwd`. Never raises: what is wrong is left out, and stands in `problems`."""
    env = os.environ if env is None else env
    values: dict[str, object] = {}
    sources: dict[str, Source] = {}
    problems: list[SettingsError] = []
    for source, found in _layers(cwd, env, problems):
        for name, value in found.items():
            values[name], sources[name] = value, source
    return Settings(values, sources, env, problems)


def load_lenient(
    cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> tuple[Settings, list[SettingsError]]:
    """The same, and its problems."""
    settings = load(cwd, env)
    return settings, list(settings.problems)


def _layers(
    cwd: Path | None, env: Mapping[str, str], problems: list[SettingsError]
) -> list[tuple[Source, dict[str, object]]]:
    """The three sources that can say something, weakest first."""
    layers: list[tuple[Source, dict[str, object]]] = []
    user = paths.user_file(env)
    if os.path.lexists(user):
        layers.append(("user", _checked(read_file(user, problems, _ALL), user, problems)))
    project = paths.project_file(str(cwd) if cwd else None)
    if project:
        layers.append(("project", _of_project(project, problems)))
    given = {
        name[len(ENV_PREFIX) :].lower(): value for name, value in env.items() if name.startswith(ENV_PREFIX)
    }
    layers.append(("environment", _checked({k: v for k, v in given.items() if v}, ENVIRONMENT, problems)))
    return layers


def read_file(path: str, problems: list[SettingsError], may_set: frozenset[str]) -> dict[str, object]:
    """The `[traces]` table of a settings file; empty, and a problem told, where it cannot be read.

    `may_set`: the keys that are in doubt then.
    """
    from one_trace.guard.toml import read_toml

    try:
        document = read_toml(path)
    except OSError as error:
        wrong, hint = f"cannot read {path}: {error.strerror}", "Its settings are not used."
    except ValueError as error:  # not TOML, or not UTF-8
        wrong, hint = f"{path} cannot be read as TOML: {_brief(str(error))}", _FIX_FILE
    else:
        table = document.get("traces", {})
        others = [name for name in document if name != "traces"]
        if isinstance(table, dict) and not others:
            return table
        if isinstance(table, dict):
            wrong = f"{path}: settings stand under [traces], not in {_named(others)}"
            problems.append(SettingsError(wrong, hint="Move or remove it."))
            return table
        wrong, hint = f"{path}: [traces] is not a table", _FIX_FILE
    problems.append(SettingsError(wrong, hint=hint, keys=may_set))
    return {}


_FIX_FILE = "Fix or remove it; its settings are not used."


def _checked(table: Mapping[str, object], where: str, problems: list[SettingsError]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in table.keys() & BY_NAME.keys():
        try:
            found[name] = BY_NAME[name].read(table[name])
        except ValueError as error:
            wrong = f"traces.{name} in {where} {_brief(str(error))}"
            problems.append(SettingsError(wrong, hint=_fix(name, where), keys=frozenset({name})))
    strangers = [name for name in table if name not in BY_NAME]
    if strangers:
        problems.append(_unknown_in(strangers, where))
    return found


def _fix(name: str, where: str) -> str:
    if where == ENVIRONMENT:
        return f"Fix or unset {ENV_PREFIX}{name.upper()}."
    return f"Fix it, or 'one config unset traces.{name}'."


def _of_project(path: str, problems: list[SettingsError]) -> dict[str, object]:
    """A project's settings: all of them or, if it says anything that is not a project's business, none."""
    table = read_file(path, problems, _OF_PROJECTS)
    forbidden = {name: problem for name, value in table.items() if (problem := project_may(name, value))}
    if not forbidden:
        return _checked(table, path, problems)
    first = next(iter(forbidden.values()))
    more = f" (nor {_named([f'traces.{name}' for name in forbidden][1:])})" if len(forbidden) > 1 else ""
    problems.append(
        SettingsError(
            f"{path}: {first.message}{more}",
            hint="Nothing in this file is used until it is removed.",
            keys=_OF_PROJECTS,
        )
    )
    return {}


def project_may(name: str, value: object) -> SettingsError | None:
    """Why a project may not set this, if it may not."""
    if name not in _OF_PROJECTS:
        hint = f"It may set {', '.join(key.name for key in KEYS if key.project)}."
        return SettingsError(f"a project may not set traces.{_brief(name)}", hint=hint)
    if name == "visibility" and value == "public":
        return SettingsError("a project may not set traces.visibility to public", hint="private or direct.")
    return None


def unknown(name: str) -> SettingsError:
    """An unknown key, as it was written, and the nearest one that is known."""
    return SettingsError(f"there is no setting {_brief(name)}", hint=_near(name), code="unknown-key")


def _unknown_in(names: list[str], where: str) -> SettingsError:
    """Keys that are not known, of a newer version perhaps: they are left out, and nothing depends on it."""
    keys = _named([f"traces.{name}" for name in names])
    hint = f"It is not used. {_near(names[0])}"
    return SettingsError(f"there is no setting {keys} in {where}", hint=hint, code="unknown-key")


def _near(name: str) -> str:
    from difflib import get_close_matches

    (near,) = get_close_matches(name.removeprefix("traces.")[:40], BY_NAME, n=1, cutoff=0.0)
    return f"Did you mean traces.{near}?"


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(_brief, names[:_NAMED])) + more


def _brief(text: str) -> str:
    """Text of a settings file, for a message."""
    from one_trace.guard.text import clean

    return clean(text, 100)


def no_home(what: str, instead: str) -> SettingsError:
    """There is no folder for `what`: a user without HOME and without an entry in the system's list of
    users."""
    return SettingsError(
        f"there is no folder for {what}: this user has no home folder",
        hint=f"Set HOME, {instead} to an absolute path.",
        code="no-home",
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


def user_file(env: Mapping[str, str] | None = None) -> Path:
    """The user's settings file, to write it. Raises SettingsError where there is no home folder."""
    return _in_config_dir(paths.USER_FILE, env)


def credentials_path(env: Mapping[str, str] | None = None) -> Path:
    """Where `trace login` keeps the key (0600), beside the user's settings. Raises SettingsError where
    there is no home folder.
    """
    return _in_config_dir(paths.CREDENTIALS_FILE, env)


def _in_config_dir(name: str, env: Mapping[str, str] | None) -> Path:
    from pathlib import Path

    folder = paths.config_dir(os.environ if env is None else env)
    if not folder:
        raise no_home("your settings", "or XDG_CONFIG_HOME")
    return Path(folder, name)


def api_key(env: Mapping[str, str] | None = None) -> str | None:
    """The key of traces.com: TRACES_API_KEY, else what `trace login` kept (TOML, `api_key = "..."`)."""
    env = os.environ if env is None else env
    given = env.get(API_KEY, "").strip()
    return given or kept_key(env)


def kept_key(env: Mapping[str, str]) -> str | None:
    """What `trace login` kept. What a login that was killed has left beside it goes."""
    from one_trace.guard.private import sweep_drafts
    from one_trace.guard.toml import read_toml

    try:
        path = credentials_path(env)
        sweep_drafts(path)
        kept = read_toml(path).get("api_key")
    except (SettingsError, OSError, ValueError):
        return None
    return kept.strip() or None if isinstance(kept, str) else None
