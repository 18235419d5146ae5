"""One run out of the store, for the commands that are about one run."""

from __future__ import annotations

from one_trace.cli.configured import configured
from one_trace.model import Trace
from one_trace.store import Store


def trace_of(ref: str) -> Trace:
    """The trace of the run that `ref` (run id, unique prefix, or ``last``) means. Raises NoSuchRun,
    StoreTrouble.
    """
    with Store(configured().store_path, readonly=True) as store:
        return store.trace(store.find(ref))
