"""The settings in force: what each source sets, and which one wins.

Every traced run and every `trace` command waits for this, so it uses the standard library alone.
`settings.model` resolves the same sources with pydantic-settings, for commands that show or write settings.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from one_trace.errors import SettingsError
from one_trace.settings import paths, problems
from one_trace.settings.keys import BY_NAME, KEYS, LOCAL, PROJECT_KEYS, Visibility
from one_trace.settings.paths import ENV_PREFIX

if TYPE_CHECKING:
    from pathlib import Path

Source = Literal["command line", "ONE_TRACE_HOST", "environment", "project", "user", "default"]
Layer = tuple[Source, Mapping[str, object]]
"""A source and what it sets."""
Validate = Callable[[Mapping[str, object]], tuple[dict[str, object], dict[str, str]]]
"""From the keys that a source sets to the valid values, and the reason for each value that is not valid."""
HOST: Final = "ONE_TRACE_HOST"
TAGS: Final = f"{ENV_PREFIX}TAGS"
"""Tags of the runs that are started with it."""
_NO_SETTINGS = (TAGS, f"{ENV_PREFIX}HISTORY_PASSWORD")
"""In spite of their names: see `credentials`."""
DELIVERY = frozenset(
    {"namespace", "visibility", "errors", "sinks", "endpoint", "otlp_endpoint", "otlp_insecure", "redact"}
)
"""Keys that decide where a trace goes and how much of it: nothing is sent while one of them is invalid."""


class Settings(NamedTuple):
    """The values in force, each under its key's name. `sources` says where each one comes from.

    A value that is not valid is left out and reported in `problems`; the next source decides. So a command
    that acts on a key calls `require` first.
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
    otlp_insecure: bool
    parent: Literal["link", "child"]
    redact: tuple[str, ...]
    on_finish: str | None
    live: bool
    retention: str
    history: str | None
    host: str | None
    data_dir: str | None
    """None only for a user without a home folder."""
    sources: Mapping[str, Source]
    problems: tuple[SettingsError, ...]

    @property
    def data_path(self) -> Path:
        """The folder of the store. Raises SettingsError if there is no home folder to put it in."""
        from pathlib import Path

        if not self.data_dir:
            raise problems.no_home("the store", "XDG_DATA_HOME or ONE_TRACES_DATA_DIR")
        return Path(self.data_dir)

    @property
    def store_path(self) -> Path:
        """Raises SettingsError, like `data_path`."""
        return self.data_path / "traces.db"

    @property
    def from_store(self) -> str:
        """The option with which a command reads the store, where it would read another history."""
        return "" if self.history in (None, LOCAL) else f" --from {LOCAL}"

    def doubt(self, *names: str) -> SettingsError | None:
        """The first problem because of which one of these keys may not have the intended value."""
        return next((each for each in self.problems if not each.keys.isdisjoint(names)), None)

    def require(self, *names: str) -> None:
        """Raise the first problem with one of these keys, if there is one."""
        problem = self.doubt(*names)
        if problem is not None:
            raise problem


def load(
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    *,
    flags: Mapping[str, object] | None = None,
) -> Settings:
    """The settings in force in `cwd`; `flags` are those of the command line. Never raises: see `problems`."""
    env = os.environ if env is None else env
    found, wrong = layers(cwd, env, flags or {}, validate)
    return settings({name: value for _, values in found for name, value in values.items()}, found, wrong, env)


def settings(
    values: Mapping[str, Any], found: list[Layer], wrong: list[SettingsError], env: Mapping[str, str]
) -> Settings:
    """`values` as Settings, with the defaults where there is no value."""
    filled = {key.name: values.get(key.name, key.default) for key in KEYS}
    filled["data_dir"] = filled["data_dir"] or paths.data_dir(env) or None
    sources: dict[str, Source] = {key.name: "default" for key in KEYS}
    sources |= {name: source for source, values in found for name in values}
    if env.get(HOST):  # wins over every other source, and may be the name of a program, too
        from one_trace.guard.text import valid

        filled["host"], sources["host"] = valid(env[HOST]), HOST
    return Settings(**filled, sources=MappingProxyType(sources), problems=tuple(wrong))


def validate(table: Mapping[str, object]) -> tuple[dict[str, object], dict[str, str]]:
    valid: dict[str, object] = {}
    reasons: dict[str, str] = {}
    for name, value in table.items():
        try:
            valid[name] = BY_NAME[name].parse(value)
        except ValueError as error:
            reasons[name] = str(error)
    return valid, reasons


def layers(
    cwd: Path | None, env: Mapping[str, str], flags: Mapping[str, object], validate: Validate
) -> tuple[list[Layer], list[SettingsError]]:
    """The valid values of each source, the weakest source first, and what is wrong with the others."""
    found: list[Layer] = []
    wrong: list[SettingsError] = []

    def add(source: Source, table: Mapping[str, object], where: str) -> None:
        valid, reasons = validate({name: table[name] for name in BY_NAME if name in table})
        found.append((source, valid))
        wrong.extend(problems.bad_value(name, source, where, reason) for name, reason in reasons.items())
        unknown = [name for name in table if name not in BY_NAME]
        if unknown:
            wrong.append(problems.unknown_keys(unknown, source, where))

    user, project = paths.user_file(env), paths.project_file(str(cwd) if cwd else None)
    if os.path.lexists(user):
        add("user", _read(user, wrong, frozenset(BY_NAME)), user)
    if project:
        table = _read(project, wrong, PROJECT_KEYS)
        forbidden = problems.not_for_projects(table, project)
        if forbidden:  # then nothing in the file is used: who wrote it wants more than a project may
            wrong.append(forbidden)
        add("project", {} if forbidden else table, project)
    set_in_env = {
        name[len(ENV_PREFIX) :].lower(): value
        for name, value in env.items()
        if name.startswith(ENV_PREFIX) and value and name not in _NO_SETTINGS
    }
    for name in BY_NAME.keys() & set_in_env.keys():
        if BY_NAME[name].user_only:
            del set_in_env[name]
            wrong.append(problems.only_in_user_file(name))
    add("environment", set_in_env, problems.ENVIRONMENT)
    add("command line", flags, "the command line")
    return found, wrong


def _read(path: str, wrong: list[SettingsError], keys: frozenset[str]) -> dict[str, object]:
    """The `[traces]` table of a settings file. Empty if it cannot be read: then `keys` are in doubt."""
    from one_trace.guard.toml import read_toml

    try:
        document = read_toml(path)
    except (OSError, ValueError) as error:  # ValueError: not TOML, or not UTF-8
        wrong.append(problems.unreadable(path, error, keys))
        return {}
    table = document.pop("traces", {})
    if not isinstance(table, dict):
        wrong.append(problems.not_a_table(path, keys))
        return {}
    if document:
        wrong.append(problems.other_tables(path, list(document)))
    return table
