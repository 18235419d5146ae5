"""What can be wrong with the settings: the messages, with hints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from one_trace.errors import SettingsError
from one_trace.settings.keys import BY_NAME, KEYS, PROJECT_KEYS
from one_trace.settings.paths import ENV_PREFIX

ENVIRONMENT = "the environment"
_FIX_FILE = "Fix or remove it; its settings are not used."
_LISTED = 5
"""Keys listed in one message."""


def unset(name: str, source: str) -> str:
    """The command that removes a key from one of the sources in `sources.Source`."""
    if source == "ONE_TRACE_HOST":
        return f"unset {source}"
    if source == "environment":
        return f"unset {_word(ENV_PREFIX + name.upper())}"
    return f"one config unset {_word(f'traces.{name}')}" + (" --project" if source == "project" else "")


def assign(name: str, value: str, source: str) -> str:
    """The command that sets a key where one of the sources in `sources.Source` sets it."""
    if source == "environment":
        return f"export {ENV_PREFIX}{name.upper()}={_word(value)}"
    return f"one config set traces.{name} {_word(value)}" + (" --project" if source == "project" else "")


def edit(path: str) -> str:
    """The command that opens a settings file."""
    return f'"${{EDITOR:-vi}}" {_word(path)}'


def bad_value(name: str, source: str, where: str, reason: str) -> SettingsError:
    fix = unset(name, source)
    return SettingsError(
        f"traces.{name} in {where} {_short(reason)}",
        hint=f"Fix or {fix}." if source == "environment" else f"Fix it, or '{fix}'.",
        fix=fix,
        keys=frozenset({name}),
    )


def only_in_user_file(name: str) -> SettingsError:
    """The environment sets a key that only the user's file may set. It is in doubt: something else was
    meant than what is in force."""
    fix = unset(name, "environment")
    return SettingsError(
        f"traces.{name} is used from the user's file only",
        hint=f"First {fix}; then 'one config set traces.{name} VALUE'.",
        fix=fix,
        keys=frozenset({name}),
    )


def unknown_key(name: str) -> SettingsError:
    """A key that was typed, and the known key closest to it."""
    return SettingsError(f"there is no setting {_short(name)}", hint=_closest(name), code="unknown-key")


def unknown_keys(names: Sequence[str], source: str, where: str) -> SettingsError:
    """Unknown keys in a source, which a newer version may know. No key is in doubt because of them."""
    listed = _list([f"traces.{name}" for name in names])
    hint = f"It is not used. {_closest(names[0])}"
    in_file = source != "environment"
    fix = edit(where) if in_file and len(names) > 1 else unset(names[0], source)
    return SettingsError(f"there is no setting {listed} in {where}", hint=hint, code="unknown-key", fix=fix)


def not_for_projects(table: Mapping[str, object], path: str) -> SettingsError | None:
    """The problem with a project's file that sets what a project may not; None if it does not."""
    forbidden = {name: problem for name in table if (problem := not_for_project(name, table[name]))}
    if not forbidden:
        return None
    first, *others = forbidden
    more = f" (nor {_list([f'traces.{name}' for name in others])})" if others else ""
    hint = "Nothing in this file is used until it is removed."
    wrong = f"{path}: {forbidden[first].message}{more}"
    return SettingsError(wrong, hint=hint, fix=edit(path), keys=PROJECT_KEYS)


def not_for_project(name: str, value: object) -> SettingsError | None:
    """Why a project may not set this key to this value; None if it may."""
    if name not in PROJECT_KEYS:
        hint = f"It may set {', '.join(key.name for key in KEYS if key.project)}."
        return SettingsError(f"a project may not set traces.{_short(name)}", hint=hint)
    if name == "visibility" and value == "public":
        return SettingsError("a project may not set traces.visibility to public", hint="private or direct.")
    return None


def unreadable(path: str, error: OSError | ValueError, keys: frozenset[str]) -> SettingsError:
    if isinstance(error, OSError):
        hint = "Its settings are not used."
        return SettingsError(f"cannot read {path}: {error.strerror}", hint=hint, keys=keys)
    wrong = f"{path} cannot be read as TOML: {_short(str(error))}"
    return SettingsError(wrong, hint=_FIX_FILE, fix=edit(path), keys=keys)


def not_a_table(path: str, keys: frozenset[str]) -> SettingsError:
    return SettingsError(f"{path}: [traces] is not a table", hint=_FIX_FILE, fix=edit(path), keys=keys)


def other_tables(path: str, names: Sequence[str]) -> SettingsError:
    keys = "key" if len(names) == 1 else "keys"
    quoted = _list([f"'{name}'" for name in names])
    wrong = f"{path}: unknown top-level {keys} {quoted}"
    return SettingsError(wrong, hint="Settings belong under [traces]: move or remove it.", fix=edit(path))


def no_home(what: str, instead: str) -> SettingsError:
    """The user has neither HOME nor a home folder in the system's list of users."""
    return SettingsError(
        f"no directory for {what}: this user has no home directory",
        hint=f"Set HOME, {instead} to an absolute path.",
        fix="export HOME=DIR",
        code="no-home",
    )


def _closest(name: str) -> str:
    from difflib import get_close_matches

    (closest,) = get_close_matches(name.removeprefix("traces.")[:40], BY_NAME, n=1, cutoff=0.0)
    return f"Did you mean traces.{closest}?"


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(map(_short, names[:_LISTED])) + more


def _word(text: str) -> str:
    from one_trace.guard.text import shell_word

    return shell_word(text)


def _short(text: str) -> str:
    """Text from a settings file, made safe and short enough for a message."""
    from one_trace.guard.text import clean

    return clean(text, 100)
