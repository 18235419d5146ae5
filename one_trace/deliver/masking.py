"""What leaves, with the mask of `traces.redact`: as little as commands need that send nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from one_trace.outbound.names import Redact, as_it_is
from one_trace.outbound.sanitize import SanitizedTrace, sanitize

if TYPE_CHECKING:
    from one_trace.model.trace import Trace
    from one_trace.settings.sources import Settings

_Made = TypeVar("_Made")


def sanitized(trace: Trace, settings: Settings, redact: Redact | None = None) -> SanitizedTrace:
    """A trace that need not be in the store, as it may leave; with error text only if there is a function to
    redact it. Raises CliError."""
    return with_mask(lambda mask: sanitize(trace, redact, mask=mask), settings)


def with_mask(make: Callable[[Redact], _Made], settings: Settings) -> _Made:
    """What `make` makes with the mask of `traces.redact`. Raises CliError."""
    if not settings.redact:
        return make(as_it_is)
    from one_trace.deliver.patterns import masked

    return masked(make, settings.redact)
