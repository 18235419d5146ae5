"""Everything a sink is given about one run."""

from __future__ import annotations

from msgspec import Struct

from one_trace.outbound.sanitize import SanitizedTrace


class Project(Struct, frozen=True):
    """The project a run ran in. Never a path: the folder's name, and the remote without credentials and
    without ``.git``.
    """

    name: str | None = None
    remote: str | None = None
    branch: str | None = None
    ref: str | None = None


class Payload(Struct, frozen=True, kw_only=True):
    """A run as a sink sees it. No field can hold a value of the user's."""

    sanitized: SanitizedTrace
    project: Project
    visibility: str
    namespace: str | None = None
    """A slug (``@my-org``), or None for the key's own namespace."""
    input_count: int | None = None
    parent_trace_id: str | None = None
    """The trace id of the run that started this one from one of its steps."""
    accepted: int = 0
    """Items that this sink has accepted of just this payload, in an attempt that failed later."""
    children: list[tuple[str, str]] = []
    """Trace id and visibility of the runs that this one started and that were sent before it."""
