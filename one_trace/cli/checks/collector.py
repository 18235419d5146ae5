"""OTLP: which endpoint is in force, which of the standard variables, and whether it answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from one_trace.answers.reports import Check
from one_trace.errors import CliError
from one_trace.settings import problems, sources

if TYPE_CHECKING:
    from one_trace.deliver.retry import DeliveryError

TIMEOUT_S = 5.0
_NAME = "otlp"
_NOT_ALLOWED = (401, 403)


def otlp(offline: bool) -> Iterator[Check]:
    """What is sent to a collector, and whether it takes it."""
    from one_trace.deliver.otlp_env import left_out, unusable, variable

    values = sources.load()
    if values.doubt("otlp_endpoint", "otlp_insecure", "sinks") is not None:
        yield Check(_NAME, "note", "not checked: the settings have to be fixed first")
    elif _NAME not in values.sinks:
        yield from not_a_sink(values)
    else:
        check = ask(values, None if offline else TIMEOUT_S)
        yield check
        for name, reason in unusable(os.environ) if check.state != "bad" else ():
            yield Check(_NAME, "note", f"{name} is not used: {reason}", f"unset {name}")
        missing = left_out(os.environ)
        if missing:
            yield Check(
                _NAME, "note", missing.message, f"export {variable('HEADERS', os.environ)[0]}=NAME=VALUE"
            )


def ask(values: sources.Settings, timeout_s: float | None) -> Check:
    """Whether the collector answers a request without spans; None: do not send one."""
    from one_trace.deliver.http_client import HttpClient
    from one_trace.deliver.otlp import make
    from one_trace.deliver.retry import Deadline, DeliveryError
    from one_trace.deliver.sinks import SINKS

    missing = SINKS[_NAME].missing(values)
    if missing:
        means = f"{missing.message}: runs are kept here and not queued for it"
        return Check(_NAME, "note", means, missing.fix or _set_endpoint(values))
    try:
        sink = make(values)
        server = sink.server()
        about = f"{server.url.shown} ({_source(values)})"
        if timeout_s is None:
            return Check(_NAME, "note", f"not checked: --offline; {about}{_variables()}")
        with closing(HttpClient(server, Deadline(timeout_s))) as client:
            sink.ping(client)
    except CliError as error:
        return Check(
            _NAME, "bad", f"nothing can be sent: {error.message}", error.fix or _set_endpoint(values)
        )
    except DeliveryError as error:
        return Check(_NAME, "bad", error.message, _fix(error, values))
    return Check(_NAME, "ok", f"{about} takes a request without spans{_variables()}")


def _fix(error: DeliveryError, values: sources.Settings) -> str | None:
    if error.status in _NOT_ALLOWED:
        return "export OTEL_EXPORTER_OTLP_HEADERS=NAME=VALUE"
    if error.hint and error.status is None:  # a header or a certificate that cannot be used
        return error.hint
    return _set_endpoint(values)


def _set_endpoint(values: sources.Settings) -> str:
    name = _source(values)
    if os.environ.get(name):
        return f"export {name}=URL"
    return problems.assign("otlp_endpoint", "URL", values.sources["otlp_endpoint"])


def _source(values: sources.Settings) -> str:
    """Where the endpoint in force is set."""
    from one_trace.deliver.otlp_env import variable

    return "traces.otlp_endpoint" if values.otlp_endpoint else variable("ENDPOINT", os.environ)[0]


def _variables() -> str:
    """The standard variables that apply, without the endpoint and without values: they hold credentials."""
    from one_trace.deliver.otlp_env import VARIABLES, variable

    found = [variable(name, os.environ) for name in VARIABLES[1:]]
    names = [name for name, value in found if value]
    names += [name for name in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES") if os.environ.get(name)]
    return f"; with {', '.join(names)}" if names else ""


def not_a_sink(values: sources.Settings) -> Iterator[Check]:
    """An endpoint that somebody has set, and nothing is sent to it."""
    from one_trace.deliver.sinks import SINKS

    if SINKS[_NAME].missing(values) is None:
        wrong = f"{_source(values)} is set, but traces.sinks does not name otlp: nothing is sent to it"
        names = ",".join([*values.sinks, _NAME])
        yield Check(_NAME, "note", wrong, problems.assign("sinks", names, values.sources["sinks"]))
