"""`config set|get|unset|list`: the `traces.*` keys. Every other `config` subcommand is the host's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from one_trace import places, settings
from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.errors import SettingsTrouble
from one_trace.guard.text import valid
from one_trace.keys import BY_NAME, KEYS

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
    from one_trace.settings_model import check

    name = _name(key)
    if valid(value) != value:
        raise SettingsTrouble(f"{PREFIX}{name} must be UTF-8, as TOML files are", code="bad-value")
    known = check(name, value)
    trouble = settings.project_may(name, known) if project else None
    if trouble:
        raise trouble
    path = _file(project)
    _edit(path, lambda table: table.__setitem__(name, list(known) if isinstance(known, tuple) else known))
    document = {"key": PREFIX + name, "value": known, "file": str(path)}
    out().answer(document, f"{PREFIX}{name} = {settings.show(known)}  ({path})")


@config.command(
    "get", epilog=examples("one config get traces.enabled", "one --agent config get traces.sinks")
)
@KEY
def get_value(key: str) -> None:
    """Print the value in force, wherever it comes from."""
    name = _name(key)
    row = _row(name, _in_force())
    out().answer(row, settings.show(row["value"]))


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
    if path.exists():
        _edit(path, lambda table: table.pop(name, None))
    row = _row(name, _in_force())
    out().answer(row, f"{PREFIX}{name} = {settings.show(row['value'])}  ({row['source']})")


@config.command("list", epilog=examples("one config list", "one --agent config list"))
def list_values() -> None:
    """Print every key, its value, and where it comes from."""
    values = _in_force()
    rows = [_row(key.name, values) for key in KEYS]
    out().answer(
        {"settings": rows, "userFile": str(_file(False)), "projectFile": places.project_file()},
        lambda: _table(rows),
    )


def _table(rows: list[dict[str, Any]]) -> str:
    cells = [(row["key"], settings.show(row["value"]), row["source"]) for row in rows]
    widths = [max(len(cell[at]) for cell in cells) for at in (0, 1)]
    lines = [f"{key:<{widths[0]}}  {value:<{widths[1]}}  {source}" for key, value, source in cells]
    return "\n".join(lines)


def _in_force() -> settings.Settings:
    """The values in force; what is wrong in some source is said beside them."""
    values, problems = settings.load_lenient()
    for problem in problems:
        out().note(
            f"one-trace: {problem.message}. {problem.hint}",
            event="trace:settings",
            message=problem.message,
            hint=problem.hint,
        )
    return values


def _row(name: str, values: settings.Settings) -> dict[str, Any]:
    value = getattr(values, name)
    return {
        "key": PREFIX + name,
        "value": str(value) if isinstance(value, Path) else value,
        "source": values.sources[name],
    }


def _name(key: str) -> str:
    """The key's name under `traces.`; raises SettingsTrouble with the nearest known one."""
    if not key.startswith(PREFIX) or key.removeprefix(PREFIX) not in BY_NAME:
        raise settings.unknown(key)
    return key.removeprefix(PREFIX)


def _file(project: bool) -> Path:
    if not project:
        return Path(places.user_file(os.environ))
    return Path(places.project_file() or Path.cwd() / places.PROJECT_FILE)


def _edit(path: Path, change: Callable[[Any], object]) -> None:
    """Change the `[traces]` table of a settings file; comments and order stay."""
    import tomlkit

    document = _document(path)
    table = document.setdefault("traces", tomlkit.table())
    if not hasattr(table, "pop"):
        raise SettingsTrouble(f"{path}: `traces` is no table", hint="Mend or remove the file.")
    change(table)
    write_private(path, tomlkit.dumps(document))


def _document(path: Path) -> TOMLDocument:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(path.read_bytes().decode())
    except FileNotFoundError:
        return tomlkit.document()
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise SettingsTrouble(f"{path} is not TOML: {error}", hint="Mend or remove it.") from error


def write_private(path: Path, text: str) -> None:
    """Write a file of the user's at one stroke: 0600, its directory 0700 if it has to be made."""
    import tempfile

    target = path.resolve()  # a link (dotfiles) stays a link
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")  # 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink()
        raise
