"""The settings as a pydantic-settings model, made from `KEYS`: for commands that write them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

# pydantic would load the plugins of whatever else is installed, at a cost, and none of them is meant for us.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from pydantic import BeforeValidator, Field, ValidationError, create_model
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from one_trace.errors import SettingsError
from one_trace.settings.keys import BY_NAME, KEYS, Key
from one_trace.settings.paths import ENV_PREFIX
from one_trace.settings.sources import unknown

if TYPE_CHECKING:
    from collections.abc import Mapping


def _field(key: Key) -> tuple[Any, Any]:
    return Annotated[key.type, BeforeValidator(key.read), NoDecode], Field(
        default=key.default, description=key.about
    )


class _Base(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, extra="forbid", frozen=True, validate_default=False
    )


_fields: dict[str, Any] = {key.name: _field(key) for key in KEYS}
TracesSettings: type[BaseSettings] = create_model("TracesSettings", __base__=_Base, **_fields)
"""Every key as a field, by its name, with its type, its check and its default; reads `ONE_TRACES_<KEY>`."""


def check(name: str, text: object) -> object:
    """The value that `text` means for `traces.<name>`. Raises SettingsError where it means none."""
    if name not in BY_NAME:
        raise unknown(f"traces.{name}")
    return check_all({name: text})[name]


def check_all(table: Mapping[str, object]) -> dict[str, Any]:
    """The same for several keys at once."""
    try:
        return TracesSettings.model_validate(dict(table)).model_dump(include=set(table))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        reason = str(first.get("ctx", {}).get("error") or first["msg"])
        raise SettingsError(f"traces.{first['loc'][0]} {reason}", code="bad-value") from error
