"""`trace doctor`: checks the setup, and says how to fix each problem."""

from __future__ import annotations

import os
import stat
import subprocess
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

import click

from one_trace.answers.reports import Check, DoctorReport
from one_trace.cli.bounded import bounded
from one_trace.cli.out import Out, out
from one_trace.cli.pages import examples
from one_trace.errors import BROKEN, FAILED, CliError, HostNotFound, SettingsError, StoreError
from one_trace.guard.files import is_plain
from one_trace.guard.text import shell_word
from one_trace.guard.urls import parse
from one_trace.host import find, via
from one_trace.host.unusable import INSTALL
from one_trace.settings import credentials, paths, sources
from one_trace.view.cells import wrap
from one_trace.view.style import Style
from one_trace.view.words import counted

FORBIDDEN = 403
PROBE_S = 20.0
"""How long a program may take to say its version."""
SERVICE_S = 5.0
"""How long the service may take to answer."""
MARKS = {"ok": "ok  ", "note": "-   ", "bad": "BAD "}
STYLES = {"ok": "success", "note": "dim", "bad": "error"}


@click.command(
    "doctor",
    epilog=examples(
        "one trace doctor",
        "one trace doctor --fix",
    ),
)
@click.option("--fix", is_flag=True, help="Close to others: state files (0600), our own folders (0700).")
@click.option("--offline", is_flag=True, help="Do not ask traces.com.")
@bounded
def command(fix: bool, offline: bool) -> int:
    """Check the setup, and show how to fix each problem. Exits with 1 if something is bad."""
    looks: dict[str, Callable[[], Iterable[Check]]] = {
        "host": _host,
        "path": _path,
        "node": _node,
        "settings": _settings,
        "folders": lambda: _folders(fix),
        "store": _store,
        "key": lambda: _key(offline),
        "queue": _queue,
        "state files": lambda: _state_files(fix),
    }
    checks = [check for name, look in looks.items() for check in _found(name, look)]
    well = all(check.state != "bad" for check in checks)
    speaker = out()
    speaker.answer(DoctorReport(ok=well, checks=checks), lambda: _text(checks, speaker))
    return 0 if well else FAILED


def _found(name: str, look: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    """What a look finds. Where it cannot be taken, that is what is found, and the others are taken."""
    try:
        yield from look()
    except CliError as error:
        yield Check(name, "bad", error.message, error.hint)
    except BROKEN as error:  # this command is for when something is broken
        yield Check(name, "bad", f"this could not be checked: {type(error).__name__}: {error}")


def _text(checks: list[Check], speaker: Out) -> str:
    """A line or more for each check; a fix is never wrapped, so that it can be copied."""
    style = Style(color=speaker.color, unicode=speaker.unicode)
    width = max(len(check.check) for check in checks)
    indent = " " * (width + 7)
    lines = []
    for check in checks:
        mark = style.paint(MARKS[check.state], STYLES[check.state])
        first, *rest = wrap(check.message, speaker.width - len(indent))
        lines += [f"{mark} {check.check:<{width}}  {first}", *(indent + line for line in rest)]
        if check.fix:
            lines.append(f"{indent}{style.arrow} {check.fix}")
    return "\n".join(lines)


def _host() -> Iterator[Check]:
    try:
        path = find.find(os.environ)
    except HostNotFound as error:
        yield Check("host", "bad", error.message, error.hint)
        return
    ones = [one for one in find.candidates(find.NAME, os.environ) if not find.is_ours(one)]
    for one in ones if path in ones else [path] if path else []:
        if not _leads_to_us(one):
            yield Check("host", "ok", f"One CLI {find.version(one) or '(version unknown)'} at {one}")
            return
        yield Check("host", "note", f"{one} is a shim or wrapper that starts one-trace: seen through")
    yield Check("host", "note", "no One CLI on PATH: the built-in runner runs flows", INSTALL)


def _path() -> Iterator[Check]:
    """Whether a shell that looks for `one` finds us first."""
    ones = find.candidates(find.NAME, os.environ)
    ours = [path for path in ones if find.is_ours(path)]
    folder = Path(ours[0]).parent if ours else sysconfig.get_path("scripts")
    fix = f'export PATH={shell_word(str(folder))}:"$PATH"'
    if not ones:
        yield Check("path", "note", "no `one` on PATH; one-trace was started by its path", fix)
    elif ones[0] in ours:
        yield Check("path", "ok", f"`one` is one-trace, at {ones[0]}")
    elif _leads_to_us(ones[0]):
        yield Check("path", "ok", f"`one` is one-trace, started by {ones[0]}")
    else:
        yield Check(
            "path", "bad", f"`one` is {ones[0]}: it comes before one-trace on PATH, so nothing is traced", fix
        )


@cache
def _leads_to_us(path: str) -> bool:
    """Whether a program starts one-trace: it is run to find out, since its text does not tell."""
    word = os.urandom(8).hex()
    probe = f"{via.PROBE} {word}"
    try:
        told = subprocess.run(
            [path, "--version"],
            env={**os.environ, via.VIA: probe},
            pass_fds=via.keep(probe),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=PROBE_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return word.encode() in told.stdout


def _node() -> Iterator[Check]:
    from one_trace.runner import node

    for path in node.candidates(os.environ):
        told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=20)
        version = told.stdout.strip().removeprefix("v")
        major = version.split(".")[0]
        if major.isdecimal() and int(major) >= node.OLDEST:
            yield Check("node", "ok", f"Node {version} at {path}")
            return
    problem = node.missing()
    yield Check("node", "note", f"for the built-in runner alone: {problem.message}", problem.hint)


def _settings() -> Iterator[Check]:
    from one_trace.settings.model import load

    values = load()
    problems = [*values.problems, *_homeless(values)]
    for problem in problems:
        yield Check("settings", "bad", problem.message, problem.hint)
    if problems:
        return
    given = [f"{name} ({source})" for name, source in values.sources.items() if source != "default"]
    known = (paths.user_file(os.environ), paths.project_file())
    files = [path for path in known if path and Path(path).exists()]
    where = f" from {', '.join(files)}" if files else ""
    yield Check("settings", "ok", f"{', '.join(given) or 'all defaults'}{where}")


def _homeless(values: sources.Settings) -> Iterator[SettingsError]:
    """What cannot be kept anywhere, of a user without a home folder."""
    places_of: tuple[Callable[[], Path], ...] = (credentials.credentials_path, lambda: values.data_path)
    for place in places_of:
        try:
            place()
        except SettingsError as problem:
            yield problem


def _store_path() -> Path | None:
    """None for a user without a home folder: told with the settings."""
    try:
        return sources.load().store_path
    except SettingsError:
        return None


def _folders(fix: bool) -> Iterator[Check]:
    """Whoever can write into the folder of the key or of the store can replace them."""
    from one_trace.guard.private import writable_by_others

    config, store = paths.config_dir(os.environ), _store_path()
    ours = {folder for folder in (config and Path(config), store and store.parent) if folder}
    found = {each for folder in ours if folder.is_dir() for each in writable_by_others(folder)}
    for folder in sorted(found):
        if fix and folder in ours:
            folder.chmod(0o700)
            yield Check("folders", "ok", f"{folder} is closed")
            continue
        close = "one trace doctor --fix" if folder in ours else f"chmod go-w {folder}"
        wrong = f"others can write in {folder}, and so replace your key, settings or runs"
        yield Check("folders", "bad", wrong, close)


def _store() -> Iterator[Check]:
    """By the road that a traced run takes: opened to be written, and written."""
    from one_trace.store.check import examine

    path = _store_path()
    if path is None:
        return
    health = examine(path)
    if health.own is not None:
        told = f"{path} was written by a newer one-trace; runs traced by this one are kept in {health.own}"
        yield Check("store", "bad", told, "pip install -U one-trace")
    elif health.runs is None:
        none = f"no run has been traced yet; they will be in {path}"
        yield Check("store", "note", none, "one flow execute KEY --trace")
    else:
        size = f"{path.stat().st_size / 1e6:.1f} MB"
        yield Check("store", "ok", f"{counted(health.runs, 'run')}, {size}, at {path}")
    for other in health.left_out:
        told = f"runs of an older one-trace in {other} could not be taken in"
        yield Check("store", "note", told, "one trace sync")


def _key(offline: bool) -> Iterator[Check]:
    values, key = sources.load(), credentials.api_key()
    folder = paths.config_dir(os.environ)
    kept = Path(folder, paths.CREDENTIALS_FILE) if folder else None
    if kept and kept.exists() and not is_plain(kept):
        yield Check("key", "bad", f"{kept} is not a plain file", f"rm -r {kept}; one trace login")
        return
    if key is None:
        yield Check("key", "note", "no key of traces.com: nothing is sent anywhere", "one trace login")
        return
    if kept and kept.exists() and kept.stat().st_mode & 0o077:
        yield Check("key", "bad", f"others can read {kept}", f"chmod 600 {shell_word(str(kept))}")
    elif os.environ.get(credentials.API_KEY):
        leak = f"the key comes from {credentials.API_KEY}, which One CLI writes to its state files"
        yield Check("key", "note", leak, f"one trace login, and unset {credentials.API_KEY}")
    else:
        yield Check("key", "ok", f"kept by `one trace login` in {kept}")
    if (
        not offline and _store_path() and values.doubt("endpoint") is None
    ):  # a wrong one is told as the settings'
        yield from _service(values, key)


def _service(values: sources.Settings, key: str) -> Iterator[Check]:
    """Whether the service answers this key, and with which namespaces."""
    from one_trace.deliver.http_client import HttpClient
    from one_trace.deliver.namespaces import Namespaces
    from one_trace.deliver.retry import Deadline, DeliveryError
    from one_trace.deliver.sinks import make

    try:
        with closing(HttpClient(make("traces.com", values).server(), Deadline(SERVICE_S))) as client:
            namespaces = Namespaces(values.store_path, values.endpoint, key).fetch(client)
        slugs = sorted(f"@{slug}" for slug in namespaces)
    except CliError as error:
        yield Check("traces.com", "bad", error.message, error.hint)
        return
    except DeliveryError as error:
        if error.status == FORBIDDEN:
            yield _write_only(values)
            return
        hint = error.hint or (
            "one trace login" if error.kind == "refused" else "Check the network and traces.endpoint."
        )
        yield Check("traces.com", "bad", error.message, hint)
        return
    if values.namespace and values.namespace not in slugs:
        wrong = f"there is no namespace {values.namespace}: the key's are {', '.join(slugs) or 'none'}"
        yield Check("traces.com", "bad", wrong, "one config set traces.namespace @slug")
    else:
        known = ", ".join(slugs) or "none"
        scope = "scope: namespace:read, and traces:write when a run is sent"
        yield Check(
            "traces.com", "ok", f"{parse(values.endpoint).shown} answers; namespaces: {known}; {scope}"
        )


def _write_only(values: sources.Settings) -> Check:
    """A key that may not read: enough to send with, unless it has to find a namespace by its name."""
    told = f"{parse(values.endpoint).shown} answers; the key may not list namespaces (scope namespace:read)"
    if not values.namespace:
        return Check("traces.com", "ok", f"{told}: traces:write is all that sending takes")
    fix = "one config unset traces.namespace, or a key with the scope namespace:read"
    return Check("traces.com", "bad", f"{told}, and traces.namespace is {values.namespace}", fix)


def _queue() -> Iterator[Check]:
    from one_trace.store import Store

    path = _store_path()
    if path is None:
        return
    try:
        with Store(path, readonly=True) as store:
            rows = store.connection.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall()
    except StoreError:
        return  # told as the store's
    counts = dict(rows)
    if counts.get("failed"):
        yield Check(
            "queue",
            "bad",
            f"{counted(counts['failed'], 'run')} could not be delivered",
            "one trace sync --retry-failed",
        )
    if counts.get("queued"):
        yield Check("queue", "note", f"{counted(counts['queued'], 'run')} to be delivered", "one trace sync")
    if not counts.get("failed") and not counts.get("queued"):
        yield Check("queue", "ok", f"nothing waits; {counted(counts.get('sent', 0), 'run')} delivered")


def _state_files(fix: bool) -> Iterator[Check]:
    """The host writes its whole environment, keys included, into files that everybody can read."""
    folder = Path(".one/flows/.runs")
    files = [path for path in folder.glob("*.state.json") if path.is_file() and not path.is_symlink()]
    open_ones = [path for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077]
    if fix:
        for path in open_ones:
            path.chmod(0o600)
        yield Check("state files", "ok", f"{len(open_ones)} closed, {len(files)} in {folder}")
    elif open_ones:
        files_told = counted(len(open_ones), "state file")
        many = f"others can read {files_told} in {folder}: environment and keys of their runs"
        yield Check("state files", "bad", many, "one trace doctor --fix")
    elif files:
        yield Check("state files", "ok", f"{len(files)} in {folder}, none of them open to others")
