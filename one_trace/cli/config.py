"""`config set|get|unset|list`: the `traces.*` keys. Every other `config` subcommand is the host's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from one_trace.cli.configured import configured
from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.errors import CliError, SettingsError
from one_trace.guard.text import valid
from one_trace.settings import paths, sources
from one_trace.settings.keys import BY_NAME, KEYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomlkit import TOMLDocument

PREFIX = "traces."


@click.group(
    name="config",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("one config set traces.enabled true", "one config list"),
)
def config() -> None:
    """The settings of one-trace: the traces.* keys. All else under `config` is One CLI's own."""


def _known_keys(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    return [PREFIX + key.name for key in KEYS if (PREFIX + key.name).startswith(incomplete)]


def _known_values(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    key = BY_NAME.get(str(ctx.params.get("key", "")).removeprefix(PREFIX))
    return [value for value in key.values if value.startswith(incomplete)] if key else []


KEY = click.argument("key", shell_complete=_known_keys)
PROJECT = click.option(
    "--project", is_flag=True, help="In this project's .one/traces.toml, not the user's file."
)


@config.command(
    "set",
    epilog=examples(
        "one config set traces.namespace @my-org", "one config set traces.enabled true --project"
    ),
)
@KEY
@click.argument("value", shell_complete=_known_values)
@PROJECT
def set_value(key: str, value: str, project: bool) -> None:
    """Set one key; 'one config list' names them all, README.md says what they do."""
    from one_trace.settings.model import check

    name = _name(key)
    if valid(value) != value:
        raise SettingsError(f"{PREFIX}{name} must be UTF-8, as TOML files are", code="bad-value")
    known = check(name, value)
    problem = sources.project_may(name, known) if project else None
    if problem:
        raise problem
    path = _file(project)
    _edit(path, lambda table: table.__setitem__(name, list(known) if isinstance(known, tuple) else known))
    document = {"key": PREFIX + name, "value": known, "file": str(path)}
    out().answer(document, f"{PREFIX}{name} = {sources.show(known)}  ({path})")


@config.command(
    "get", epilog=examples("one config get traces.enabled", "one --agent config get traces.sinks")
)
@KEY
def get_value(key: str) -> None:
    """Print the value in force, wherever it comes from."""
    name = _name(key)
    row = _row(name, configured())
    out().answer(row, sources.show(row["value"]))


@config.command(
    "unset",
    epilog=examples("one config unset traces.namespace", "one config unset traces.enabled --project"),
)
@KEY
@PROJECT
def unset_value(key: str, project: bool) -> None:
    """Take one key out of the file: what the next source says holds again."""
    name = _name(key)
    path = _file(project)
    if os.path.lexists(path):
        _edit(path, lambda table: table.pop(name, None))
    row = _row(name, configured())
    out().answer(row, f"{PREFIX}{name} = {sources.show(row['value'])}  ({row['source']})")


@config.command("list", epilog=examples("one config list", "one --agent config list"))
def list_values() -> None:
    """Print every key, its value, and where it comes from."""
    values = configured()
    rows = [_row(key.name, values) for key in KEYS]
    out().answer(
        {
            "settings": rows,
            "userFile": paths.user_file(os.environ) or None,
            "projectFile": paths.project_file(),
        },
        lambda: _table(rows),
    )


def _table(rows: list[dict[str, Any]]) -> str:
    cells = [(row["key"], sources.show(row["value"]), row["source"]) for row in rows]
    widths = [max(len(cell[at]) for cell in cells) for at in (0, 1)]
    lines = [f"{key:<{widths[0]}}  {value:<{widths[1]}}  {source}" for key, value, source in cells]
    return "\n".join(lines)


def _row(name: str, values: sources.Settings) -> dict[str, Any]:
    try:
        value = getattr(values, name)
    except SettingsError:  # the store's folder, for a user without a home
        value = None
    return {
        "key": PREFIX + name,
        "value": str(value) if isinstance(value, Path) else value,
        "source": values.sources[name],
    }


def _name(key: str) -> str:
    """The key's name under `traces.`; raises SettingsError with the nearest known one."""
    if not key.startswith(PREFIX) or key.removeprefix(PREFIX) not in BY_NAME:
        raise sources.unknown(key)
    return key.removeprefix(PREFIX)


def _file(project: bool) -> Path:
    if not project:
        return sources.user_file()
    path = Path(paths.project_file() or Path.cwd() / paths.PROJECT_FILE)
    if path.is_symlink():
        wrong = f"{path} is a symbolic link, which is not written through"
        raise SettingsError(wrong, hint="Remove it: the project may have brought it.")
    return path


def _edit(path: Path, change: Callable[[Any], object]) -> None:
    """Change the `[traces]` table of a settings file; comments and order stay."""
    import tomlkit

    document = _document(path)
    table = document.setdefault("traces", tomlkit.table())
    if not hasattr(table, "pop"):
        raise SettingsError(f"{path}: [traces] is not a table", hint="Fix or remove the file.")
    change(table)
    _write(path, tomlkit.dumps(document).encode())


def _document(path: Path) -> TOMLDocument:
    """The file as it is written. Raises SettingsError: what cannot be read is not written over."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    from one_trace.guard.files import SETTINGS_LIMIT, read_plain
    from one_trace.guard.text import clean
    from one_trace.guard.toml import parse_toml

    try:
        data = bytes(read_plain(path, SETTINGS_LIMIT))
        parse_toml(data)  # refuses what tomlkit takes minutes for
        return tomlkit.parse(data.decode())
    except FileNotFoundError:
        return tomlkit.document()
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}", hint="Fix or remove it.") from error
    except (TOMLKitError, ValueError) as error:
        wrong = f"{path} cannot be read as TOML: {clean(str(error), 100)}"
        raise SettingsError(wrong, hint="Fix or remove it.") from error


def _write(path: Path, data: bytes) -> None:
    from one_trace.guard.private import write_whole

    try:
        write_whole(path, data)
    except OSError as error:
        raise CliError(f"cannot write {path}: {error.strerror}", code="os-error") from error
