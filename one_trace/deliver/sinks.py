"""The table of sinks. A new one is a module of this room with `make(settings) -> Sink`, an entry in `SINKS`,
and its name in `settings.keys.SINKS`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, Protocol

from one_trace.errors import CliError, NotAuthorised
from one_trace.settings.credentials import api_key

if TYPE_CHECKING:
    from one_trace.deliver.http_client import HttpClient, Server
    from one_trace.outbound.payload import Payload
    from one_trace.settings.sources import Settings


class Sink(Protocol):
    """A place that runs are delivered to. It knows nothing of retries, queues and deadlines."""

    def server(self) -> Server:
        """Its server. Raises DeliveryError or CliError where it cannot be used as it is set."""

    def send(self, payload: Payload, client: HttpClient) -> str | None:
        """Send a run; sending it twice changes nothing. Returns the URL to look at it, if there is one.

        Raises DeliveryError.
        """


class SinkEntry(NamedTuple):
    """`module` is imported only where the sink is used. `missing`: why it cannot be used; None if it can."""

    module: str
    missing: Callable[[Settings], CliError | None]


def _missing_for_traces_com(settings: Settings) -> CliError | None:
    if settings.endpoint and api_key() is not None:
        return None
    return NotAuthorised("no key of traces.com is set", hint="one trace login")


def _missing_for_otlp(settings: Settings) -> CliError | None:
    for name, value in (("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none")):
        if os.environ.get(name, "").strip().lower() == value:
            unset = f"unset {name}"
            return CliError(f"{name}={value} turns the sink otlp off", hint=unset, fix=unset)
    variables = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    if settings.otlp_endpoint or (settings.otlp_endpoint is None and any(map(os.environ.get, variables))):
        return None
    return CliError("the sink otlp has no endpoint", hint="one config set traces.otlp_endpoint URL")


SINKS = {
    "traces.com": SinkEntry("traces_com", _missing_for_traces_com),
    "otlp": SinkEntry("otlp", _missing_for_otlp),
}


def ready(settings: Settings) -> list[str]:
    """The sinks that are set and can be used: they have a key, or an endpoint."""
    return [name for name in settings.sinks if SINKS[name].missing(settings) is None]


def left_out(names: Iterable[str]) -> CliError | None:
    """What is not sent to these sinks because a part of a variable cannot be read."""
    if "otlp" not in names:
        return None
    from one_trace.deliver import otlp_env  # with the client of HTTP

    return otlp_env.left_out(os.environ)


def make(name: str, settings: Settings) -> Sink:
    """The sink of this name. Raises CliError if it has no key, endpoint or package that it needs."""
    sink: Sink = import_module(f"one_trace.deliver.{SINKS[name].module}").make(settings)
    return sink


def why_not_ready(settings: Settings) -> CliError:
    """What to do where no sink can be used."""
    reasons = (entry.missing(settings) for name, entry in SINKS.items() if name in settings.sinks)
    no_sink = CliError("no sink is set", hint="one config set traces.sinks traces.com")
    return next(filter(None, reasons), no_sink)


def why_not_sent(name: str, settings: Settings) -> CliError | None:
    """Why nothing that is queued for this sink is sent with these settings; None if it is."""
    if name in settings.sinks:
        return SINKS[name].missing(settings)
    names = ",".join([*settings.sinks, name])
    where = settings.sources["sinks"]
    set_it = f"one config set traces.sinks {names}" if where != "environment" else f"ONE_TRACES_SINKS={names}"
    return CliError(
        f"{name} is not among traces.sinks now", hint=f"{set_it}, then: one trace sync", code="sink-not-set"
    )
