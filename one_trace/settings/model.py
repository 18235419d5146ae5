"""The settings as a pydantic-settings model made from `KEYS`, for the commands that show and write settings.

The fast path (`settings.sources`) finds the same values without importing pydantic; a test compares them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, get_type_hints

# Plugins of pydantic that are installed for other programs are slow to load, and none is for us.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from pydantic import BeforeValidator, Field, ValidationError, create_model
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from one_trace.errors import SettingsError
from one_trace.settings import problems, sources
from one_trace.settings.keys import BY_NAME, KEYS


class _Base(BaseSettings):
    """The sources are given in `layers`, the weakest first."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, validate_default=False)
    layers: ClassVar[list[sources.Layer]] = []

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        strongest_first = (
            InitSettingsSource(settings_cls, dict(values)) for _, values in reversed(cls.layers)
        )
        return (init_settings, *strongest_first)


_types = get_type_hints(sources.Settings)
_fields: dict[str, Any] = {
    key.name: (
        Annotated[_types[key.name], BeforeValidator(key.parse)],
        Field(default=key.default, description=key.about),
    )
    for key in KEYS
}
TracesSettings: type[_Base] = create_model("TracesSettings", __base__=_Base, **_fields)
"""A field for each key, with its type, its parser and its default."""


def load(
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    *,
    flags: Mapping[str, object] | None = None,
) -> sources.Settings:
    """The settings in force, as from `sources.load`."""
    env = os.environ if env is None else env
    found, wrong = sources.layers(cwd, env, flags or {}, validate)
    in_force = type("InForce", (TracesSettings,), {"layers": found, "__module__": __name__})
    return sources.settings(dict(in_force()), found, wrong, env)


def validate(table: Mapping[str, object]) -> tuple[dict[str, object], dict[str, str]]:
    """The valid values of a source, and the reason for each that is not valid."""
    reasons: dict[str, str] = {}
    try:
        TracesSettings(**table)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False):
            reasons[str(each["loc"][0])] = str(each.get("ctx", {}).get("error") or each["msg"])
    valid = {name: value for name, value in table.items() if name not in reasons}
    return {name: value for name, value in TracesSettings(**valid) if name in valid}, reasons


def parse(name: str, text: str) -> object:
    """The value that `text` means for a key. Raises SettingsError."""
    if name not in BY_NAME:
        raise problems.unknown_key(f"traces.{name}")
    valid, reasons = validate({name: text})
    if reasons:
        raise SettingsError(f"traces.{name} {reasons[name]}", code="bad-value")
    return valid[name]
