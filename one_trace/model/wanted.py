"""Which runs a question is about, and in which order they come: asked of a store, of any history."""

from __future__ import annotations

from typing import NamedTuple

from one_trace.model.tags import Tags

ORDERS = ("start", "duration", "steps", "failed", "retries", "cost")
"""How runs can be sorted: newest first, or those with the most of it first."""


class Wanted(NamedTuple):
    """Which runs: of one flow, with one status, started at `since` (ms since 1970) or later and before
    `until`, in one project, started by one session, with all of `tags`; of these, the `last` of each flow in
    each project. None: any.
    """

    flow: str | None = None
    status: str | None = None
    since: int | None = None
    project: str | None = None
    """What `History.project` gives; in the store of this machine a folder."""
    until: int | None = None
    session: str | None = None
    tags: Tags = ()
    last: int | None = None


ALL = Wanted()
