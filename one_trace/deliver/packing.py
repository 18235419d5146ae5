"""A run of the store made into a payload: what may leave of it, and where to, as its own project says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from one_trace.deliver.project import project_of
from one_trace.guard.text import path_of
from one_trace.model.times import to_ms
from one_trace.outbound.payload import Payload
from one_trace.outbound.sanitize import Redact, sanitize
from one_trace.settings.sources import load

if TYPE_CHECKING:
    from one_trace.model.trace import Trace
    from one_trace.settings.sources import Settings
    from one_trace.store import Store


def pack(
    store: Store,
    trace: Trace,
    sink: str,
    settings: Settings,
    *,
    visibility: str | None = None,
    fold: bool = True,
) -> Payload:
    """All that `sink` is told of `trace`. `visibility`: as the run was shared, whatever the settings say.

    Namespace and visibility are those of the project that the run ran in: a run that waits is often sent
    by a run of another project, whose settings are not its own.
    """
    run = trace.run
    own = settings_at(run.cwd, settings)
    facts = store.family(run.run_id, sink)
    children = [
        (child.trace_id, child.visibility or settings_at(child.cwd, settings).visibility)
        for child in facts.children
        if child.sent
    ]
    return Payload(
        sanitized=sanitize(
            trace,
            redactor(settings, facts.command_ends),
            traceparent=facts.traceparent,
            parent_trace_id=facts.parent_trace_id,
            child_trace_ids=[child.trace_id for child in facts.children],
        ),
        project=project_of(run.cwd, to_ms(run.started_at) or 0),
        visibility=visibility or own.visibility,
        namespace=own.namespace,
        input_count=facts.input_count,
        parent_trace_id=facts.parent_trace_id,
        children=children,
        fold=fold,
    )


def settings_at(cwd: str | None, settings: Settings) -> Settings:
    """The settings in force where a run ran; the sender asks what is wrong with them."""
    return load(path_of(cwd)) if cwd else settings


def redactor(settings: Settings, command_ends: Mapping[str, int]) -> Redact | None:
    """What error text passes on its way out: commands and source lines go, and what is a secret. None keeps
    all of it here.
    """
    if settings.errors != "full":
        return None
    from one_trace.outbound.quoted_code import without_quotes
    from one_trace.outbound.redact import redact, without_torn_word

    return lambda text: redact(without_torn_word(without_quotes(text, command_ends)))
