"""What `config set` checks of the value that it has written. It finds warnings: nothing is refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from one_trace.answers.reports import Check
from one_trace.cli.checks.subjects import Subject, look_at
from one_trace.host import find
from one_trace.settings import credentials, problems
from one_trace.settings.paths import ENV_PREFIX
from one_trace.settings.sources import HOST, Settings, Source

_SERVER_S, _PROGRAM_S = 3.0, 10.0
_MORE_S = 1.0
"""For what cannot be interrupted, such as the look-up of a name."""


def warnings(name: str, value: Any, written: Source, settings: Settings) -> list[Check]:  # noqa: ANN401
    """What is wrong with the value of a key: it is not in force, or does not lead to what it names.
    `settings`: as loaded after it was written to the source `written`."""
    checks = [*_overridden(name, written, settings)]
    look = _CHECKS.get(name)
    if look is not None:
        meant = settings._replace(**{name: value})  # which another source may override
        most_s = (_PROGRAM_S if name == "host" else _SERVER_S) + _MORE_S
        checks += look_at([Subject(name, lambda: look(meant), waits=True)], most_s)
    return [check for check in checks if check.state != "ok"]


def _overridden(name: str, written: Source, settings: Settings) -> Iterator[Check]:
    source = settings.sources[name]
    if source not in (written, "default"):
        variable = HOST if source == HOST else ENV_PREFIX + name.upper()
        where = "this project's .one/traces.toml" if source == "project" else variable
        wrong = f"{where} sets traces.{name} too, and takes precedence"
        yield Check(name, "note", wrong, problems.unset(name, source))


def _host(settings: Settings) -> Iterator[Check]:
    from one_trace.cli.checks import programs

    if settings.host == find.BUILT_IN:
        yield from programs.node()
        return
    env = {key: text for key, text in os.environ.items() if key not in (HOST, f"{ENV_PREFIX}HOST")}
    path = find.find(env)
    if path is None:
        return
    if programs.starts_us(path):
        yield Check("host", "note", f"{path} starts one-trace, not One CLI", problems.unset("host", "user"))
    else:
        problem = programs.host_problem(path)
        if problem is not None:
            raise problem


def _data_dir(settings: Settings) -> Iterator[Check]:
    from one_trace.store.check import check_place

    check_place(settings.store_path)
    yield from ()


def _on_finish(settings: Settings) -> Iterator[Check]:
    from one_trace.cli.checks import programs

    yield from programs.on_finish(settings)


def _endpoint(settings: Settings) -> Iterator[Check]:
    from one_trace.cli.checks import service

    yield service.answers(settings, _SERVER_S)


def _otlp_endpoint(settings: Settings) -> Iterator[Check]:
    from one_trace.cli.checks import collector

    yield collector.ask(settings, _SERVER_S)
    if "otlp" not in settings.sinks:
        yield from collector.not_a_sink(settings)


def _sinks(settings: Settings) -> Iterator[Check]:
    """Without the key, the endpoint or the packages of a sink nothing is sent to it."""
    from one_trace.deliver.sinks import SINKS, make

    for sink in settings.sinks:
        missing = SINKS[sink].missing(settings)
        if missing is None:
            make(sink, settings)
        else:
            yield Check("sinks", "note", f"{missing.message}: nothing is sent to {sink}", missing.hint)


def _namespace(settings: Settings) -> Iterator[Check]:
    from one_trace.cli.checks import service

    key = credentials.api_key()
    if key is not None and "traces.com" in settings.sinks:
        yield service.ask(settings, key, _SERVER_S)


_CHECKS: Mapping[str, Callable[[Settings], Iterable[Check]]] = {
    "host": _host,
    "data_dir": _data_dir,
    "endpoint": _endpoint,
    "on_finish": _on_finish,
    "otlp_endpoint": _otlp_endpoint,
    "sinks": _sinks,
    "namespace": _namespace,
}
