"""A run, and the part of it that may leave this machine, for commands whose answer others read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from one_trace.cli.configured import configured_to_send
from one_trace.cli.stored import stored_or_exported
from one_trace.deliver.masking import sanitized
from one_trace.history.local import LocalHistory
from one_trace.outbound.outgoing import outgoing
from one_trace.store import Store

if TYPE_CHECKING:
    from one_trace.model.trace import Trace
    from one_trace.outbound.names import Redact
    from one_trace.settings.sources import Settings


def outgoing_run(ref: str) -> tuple[Trace, Trace]:
    """The trace in a file, else of a run in the store; and what may leave of it. Raises CliError."""
    settings = configured_to_send()
    with Store(settings.store_path, readonly=True) as store:
        trace = stored_or_exported(LocalHistory(store), ref)
        redact = _redact(store, trace, settings)
    return trace, outgoing(sanitized(trace, settings, redact))


def _redact(store: Store, trace: Trace, settings: Settings) -> Redact | None:
    """Error text leaves only with ``traces.errors = full``, and redacted."""
    if settings.errors != "full":
        return None
    from one_trace.outbound import error_text

    return error_text.outgoing(store.family(trace.run.trace_id, "traces.com").command_ends)
