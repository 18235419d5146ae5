"""One run, packed for its sinks, and what every sink is to be able to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from one_trace.deliver.project import Project
from one_trace.deliver.retry import Deadline
from one_trace.outbound.sanitize import SanitizedTrace

if TYPE_CHECKING:
    from one_trace.deliver.http_client import HttpClient


class Payload(Struct, frozen=True, kw_only=True):
    """All that a sink sees of a run: none of it can hold a value of the user's."""

    sanitized: SanitizedTrace
    project: Project
    visibility: str
    namespace: str | None = None
    """Slug (``@my-org``), or None for the key's own."""
    input_count: int | None = None
    parent_trace_id: str | None = None
    """Trace id of the run from one of whose steps this one was started."""
    children: list[tuple[str, str]] = []
    """Trace id and visibility of runs that this one started, and that were sent before it."""
    fold: bool = True


class Sink(Protocol):
    """A place that runs are delivered to. It knows of no retry, no queue and no deadline: the line does."""

    name: str

    def open(self, deadline: Deadline, before: Callable[[], None]) -> HttpClient:
        """The line to the sink's server."""

    def send(self, payload: Payload, client: HttpClient) -> str | None:
        """Send a run; sending it twice changes nothing. Where it can be looked at, if there is such a place.

        Raises DeliveryError.
        """
