"""A run of the store as a payload: the parts that may leave, and where to, as its own project sets it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import astuple, replace

from one_trace.deliver.masking import with_mask
from one_trace.deliver.otlp_resource import resource
from one_trace.deliver.project import project_of
from one_trace.guard.text import path_of
from one_trace.model.times import to_ms
from one_trace.outbound.names import Redact
from one_trace.outbound.payload import Payload, Project
from one_trace.outbound.sanitize import NO_FACTS, OtlpFacts, sanitize
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
    accepted: int = 0,
    revision: int | None = None,
) -> Payload:
    """Everything `sink` is given about `trace`. `visibility`: as the run was shared, over the settings.
    `accepted`: of an earlier attempt. `revision`: when this content was queued, in ms since 1970; by default,
    when that of the store was.

    Namespace and visibility are those of the project that the run ran in: a queued run is often sent by a
    run of another project. Raises CliError if `traces.redact` cannot be applied.
    """
    run = trace.run
    own = settings_at(run.cwd, settings)
    family = store.family(run.trace_id, sink)
    children = [
        (child.trace_id, child.visibility or settings_at(child.cwd, settings).visibility)
        for child in family.children
        if child.sent
    ]
    redact = None
    if settings.errors == "full":
        from one_trace.outbound.error_text import outgoing

        redact = outgoing(family.command_ends)
    project = project_of(run.cwd, to_ms(run.started_at) or 0)
    relatives = [*filter(None, [family.parent_trace_id]), *(child.trace_id for child in family.children)]
    as_child = settings.parent == "child"
    facts = _facts(store, run.trace_id, relatives if as_child else None, revision) if sink == "otlp" else None

    def made(mask: Redact) -> Payload:
        known = _masked(project, mask)
        return Payload(
            sanitized=sanitize(
                trace,
                redact,
                mask=mask,
                traceparent=family.traceparent,
                parent_trace_id=family.parent_trace_id,
                child_trace_ids=[child.trace_id for child in family.children],
                facts=replace(facts, resource=_resource(known, mask)) if facts else NO_FACTS,
            ),
            project=known,
            visibility=visibility or own.visibility,
            namespace=own.namespace,
            input_count=family.input_count,
            parent_trace_id=family.parent_trace_id,
            accepted=accepted,
            children=children,
        )

    return with_mask(made, settings)


def _facts(store: Store, trace_id: str, relatives: Sequence[str] | None, revision: int | None) -> OtlpFacts:
    """`relatives`: trace ids of the runs that this one is linked to, if runs are sent as children of their
    callers."""
    from one_trace.store import sent_facts  # no other sink needs it

    return OtlpFacts(
        revision=sent_facts.queued_ms(store, trace_id, "otlp") if revision is None else revision,
        definition=sent_facts.definition(store, trace_id),
        model_parts=sent_facts.model_parts(store, trace_id),
        contexts=None if relatives is None else sent_facts.contexts(store, relatives),
    )


def _masked(project: Project, mask: Redact) -> Project:
    return Project(*(None if text is None else mask(text) for text in astuple(project)))


def _resource(project: Project, mask: Redact) -> dict[str, str]:
    """Names of this machine and of the user's own, masked as names of the run are."""
    return {name: mask(value) for name, value in resource(project, os.environ).items()}


def settings_at(cwd: str | None, settings: Settings) -> Settings:
    """The settings in force where a run ran. What is wrong with them is checked by the sender."""
    return load(path_of(cwd)) if cwd else settings
