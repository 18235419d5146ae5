"""Which sinks there are, which of them can be used, and the store's own words on a run as a payload."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from one_trace.errors import CliError, NotAuthorised
from one_trace.settings.credentials import api_key

if TYPE_CHECKING:
    from one_trace.deliver.http_client import HttpClient
    from one_trace.deliver.retry import Deadline
    from one_trace.outbound.payload import Payload
    from one_trace.settings.sources import Settings

_OTLP_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class Sink(Protocol):
    """A place that runs are delivered to. It knows of no retry, no queue and no deadline: the line does."""

    name: str

    def open(self, deadline: Deadline, before: Callable[[], None]) -> HttpClient:
        """The line to the sink's server."""

    def send(self, payload: Payload, client: HttpClient) -> str | None:
        """Send a run; sending it twice changes nothing. Where it can be looked at, if there is such a place.

        Raises DeliveryError.
        """


def ready(settings: Settings) -> list[str]:
    """The sinks that are set and have what they need: a key, or an endpoint."""
    return [name for name in settings.sinks if _READY[name](settings)]


def make(name: str, settings: Settings) -> Sink:
    """The sink of this name. Raises CliError where it lacks what it needs."""
    if name == "otlp":
        from one_trace.deliver.otlp import Otlp

        return Otlp(settings.otlp_endpoint)
    from one_trace.deliver.namespaces import Namespaces
    from one_trace.deliver.traces_com import TracesCom

    key = api_key()
    if key is None:
        raise NotAuthorised("no key of traces.com is set", hint="one trace login")
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise NotAuthorised("the key of traces.com has characters that no key has", hint="one trace login")
    return TracesCom(settings.endpoint, key, Namespaces(settings.store_path, settings.endpoint, key))


def why_not_ready(settings: Settings) -> CliError:
    """What to do where no sink can be used."""
    if "traces.com" in settings.sinks:
        return NotAuthorised("no key of traces.com is set, so nothing can be sent", hint="one trace login")
    return CliError("no sink has what it needs", hint="one config set traces.otlp_endpoint URL")


_READY: dict[str, Callable[[Settings], bool]] = {
    "traces.com": lambda settings: bool(settings.endpoint) and api_key() is not None,
    "otlp": lambda settings: (
        bool(settings.otlp_endpoint)
        or (settings.otlp_endpoint is None and any(map(os.environ.get, _OTLP_VARIABLES)))
    ),
}
