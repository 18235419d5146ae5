"""`config set|get|unset|list`: the `traces.*` keys. Every other `config` subcommand belongs to the host."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from one_trace.cli.configured import configured
from one_trace.cli.out import out
from one_trace.cli.pages import HelpGroup, examples
from one_trace.errors import CliError, SettingsError
from one_trace.guard.text import clean, valid
from one_trace.settings import paths, problems
from one_trace.settings.credentials import user_path
from one_trace.settings.keys import BY_NAME, KEYS, format_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomlkit import TOMLDocument

    from one_trace.answers.reports import Setting, SettingReport
    from one_trace.settings.sources import Settings

PREFIX = "traces."


@click.group(
    name="config",
    cls=HelpGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("one config set traces.enabled true", "one config list"),
)
def config() -> None:
    """The settings of one-trace: the traces.* keys. Everything else under `config` belongs to One CLI."""


def _known_keys(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    items = [CompletionItem(PREFIX + key.name, help=key.about) for key in KEYS]
    return [item for item in items if item.value.startswith(incomplete)]


def _known_values(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    key = BY_NAME.get(str(ctx.params.get("key", "")).removeprefix(PREFIX))
    return [value for value in key.values if value.startswith(incomplete)] if key else []


KEY = click.argument("key", shell_complete=_known_keys)
PROJECT = click.option(
    "--project", is_flag=True, help="In this project's .one/traces.toml instead of the user's file."
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
    """Set one key. 'one config list' lists them all, 'one trace help settings' explains them."""
    from one_trace.answers.reports import SettingReport, SettingWarning
    from one_trace.cli.checks.values import warnings
    from one_trace.settings.model import load, parse

    name = _name(key)
    if valid(value) != value:
        raise SettingsError(f"{PREFIX}{name} must be UTF-8, as TOML files are", code="bad-value")
    parsed: Any = parse(name, value)
    problem = problems.not_for_project(name, parsed) if project else None
    if problem:
        raise problem
    path = _file(project)
    _edit(path, lambda table: table.__setitem__(name, list(parsed) if isinstance(parsed, tuple) else parsed))
    wrong = [
        SettingWarning(check.message, check.fix)
        for check in warnings(name, parsed, "project" if project else "user", load())
    ]
    speaker = out()
    report = SettingReport(key=PREFIX + name, value=parsed, file=valid(str(path)), warnings=wrong)
    speaker.answer(report, lambda: _assigned(f"{PREFIX}{name}", parsed, str(path)))
    for warning in wrong:
        speaker.note(f"warning: {warning.message}")
        if warning.hint:
            speaker.note(f"hint: {warning.hint}")


@config.command(
    "get", epilog=examples("one config get traces.enabled", "one --agent config get traces.sinks")
)
@KEY
def get_value(key: str) -> None:
    """Print the value in force, whichever source it comes from."""
    setting = _setting(_name(key), _settings())
    out().answer(_report(setting), format_value(setting.value))


@config.command(
    "unset",
    epilog=examples("one config unset traces.namespace", "one config unset traces.enabled --project"),
)
@KEY
@PROJECT
def unset_value(key: str, project: bool) -> None:
    """Remove one key from the file, so that the next source decides. An unknown key can be removed, too."""
    from one_trace.answers.reports import SettingReport

    name, path = key.removeprefix(PREFIX), _file(project)
    if os.path.lexists(path) and key.startswith(PREFIX):
        _edit(path, lambda table: _remove(table, name))
    else:
        _name(key)
    if name not in BY_NAME:
        removed, report = f"{key} removed", SettingReport(key=key, value=None, file=valid(str(path)))
        out().answer(report, lambda: out().page.either(f"{removed}  ({path})", removed, str(path)))
        return
    setting = _setting(name, _settings())
    out().answer(_report(setting), lambda: _assigned(setting.key, setting.value, setting.source))


def _assigned(key: str, value: object, where: str) -> str:
    """``traces.enabled = true  (default)``; a value that does not fit stands on a line of its own."""
    page, text = out().page, format_value(value)
    assigned = page.either(f"{key} = {text}", f"{key} =", text)
    return page.either(f"{key} = {text}  ({where})", assigned, where)


@config.command("list", epilog=examples("one config list", "one --agent config list"))
def list_values() -> None:
    """Print every key, its value, and its source."""
    from one_trace.answers.reports import SettingList

    settings = _settings()
    rows = [_setting(key.name, settings) for key in KEYS]
    user, project = paths.user_file(os.environ), paths.project_file()
    report = SettingList(
        settings=rows,
        user_file=valid(user) if user else None,
        project_file=valid(project) if project else None,
    )
    out().answer(report, lambda: _table(rows))


def _table(rows: list[Setting]) -> str:
    """A line a key; a value that is too long for it stands below, on a line of its own."""
    from one_trace.view.cells import pad, text_width

    cells = [(row.key, clean(format_value(row.value)), row.source) for row in rows]
    keys = max(len(key) for key, _, _ in cells)
    room = out().width - keys - 4
    fitting = [value for _, value, source in cells if text_width(value) + len(source) <= room]
    values = max(map(text_width, fitting), default=0)
    lines = []
    for key, value, source in cells:
        fits = text_width(value) + len(source) <= room
        padded = pad(value if fits else "", values) if values + len(source) <= room else value if fits else ""
        lines.append(f"{key:<{keys}}  {padded}  {source}")
        lines += [] if fits else [f"  {value}"]
    return "\n".join(lines)


def _settings() -> Settings:
    from one_trace.settings.model import load

    return configured(load=load)


def _setting(name: str, settings: Settings) -> Setting:
    from one_trace.answers.reports import Setting

    return Setting(PREFIX + name, getattr(settings, name), settings.sources[name])


def _remove(table: TOMLDocument, name: str) -> None:
    if table.pop(name, None) is None and name not in BY_NAME:
        raise problems.unknown_key(PREFIX + name)


def _report(setting: Setting) -> SettingReport:
    from one_trace.answers.reports import SettingReport

    return SettingReport(key=setting.key, value=setting.value, source=setting.source)


def _name(key: str) -> str:
    """The key's name without `traces.`. Raises SettingsError, with the closest known key."""
    if not key.startswith(PREFIX) or key.removeprefix(PREFIX) not in BY_NAME:
        raise problems.unknown_key(key)
    return key.removeprefix(PREFIX)


def _file(project: bool) -> Path:
    if not project:
        return user_path(paths.USER_FILE)
    path = Path(paths.project_file() or Path.cwd() / paths.PROJECT_FILE)
    if path.is_symlink():
        hint = "Remove it: it may have come with the project."
        raise SettingsError(f"{path} is a symbolic link: refusing to write through it", hint=hint)
    return path


def _edit(path: Path, change: Callable[[Any], object]) -> None:
    """Change the `[traces]` table of a settings file. Comments and order are kept."""
    import tomlkit

    document = _document(path)
    table = document.setdefault("traces", tomlkit.table())
    if not hasattr(table, "pop"):
        raise SettingsError(f"{path}: [traces] is not a table", hint="Fix or remove the file.")
    change(table)
    _write(path, tomlkit.dumps(document).encode())


def _document(path: Path) -> TOMLDocument:
    """The settings file, for editing. Raises SettingsError: an unreadable file is not overwritten."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    from one_trace.guard.files import SETTINGS_LIMIT, read_plain
    from one_trace.guard.text import clean
    from one_trace.guard.toml import parse_toml

    try:
        data = bytes(read_plain(path, SETTINGS_LIMIT))
        parse_toml(data)  # refuses what would take tomlkit minutes
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
