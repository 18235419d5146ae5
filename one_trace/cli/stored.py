"""One run of the store, for the commands about one run."""

from __future__ import annotations

from pathlib import Path

from one_trace.analyse import run_refs
from one_trace.analyse.run_refs import RUNNING
from one_trace.cli.configured import configured
from one_trace.cli.params import project_here
from one_trace.errors import NoSuchRun
from one_trace.model.trace import Trace
from one_trace.store import Store


def run_id(store: Store, ref: str) -> str:
    """The run that `ref` means, seen from here: see `analyse.run_refs`. Raises NoSuchRun."""
    if ref == RUNNING:
        raise NoSuchRun("a run is stored when it has ended", hint="one trace show running --follow")
    return run_refs.resolve(store, ref, project_here())


def stored_or_exported(store: Store, ref: str) -> Trace:
    """The trace in a file (``base.json``, ``./base``), else of a run in the store. Raises CliError."""
    path = Path(ref)
    if path.suffix == ".json" or (path.name != ref and path.is_file()):
        from one_trace.export.document import read_trace

        return read_trace(path)
    return store.trace(run_id(store, ref))


def trace_of(ref: str) -> Trace:
    """The trace of the run that `ref` means, see `analyse.run_refs`; so far, if it is under way.

    Raises NoSuchRun, StoreError, RecordError."""
    if ref == RUNNING:
        trace = _under_way(ref)
        if trace is None:
            raise NoSuchRun("no run is under way", hint="'one trace show --follow' waits for the next one.")
        return trace
    try:
        with Store(configured().store_path, readonly=True) as store:
            return store.trace(run_id(store, ref))
    except NoSuchRun:
        trace = _under_way(ref)
        if trace is None:
            raise
        return trace


def _under_way(ref: str) -> Trace | None:
    from one_trace.cli import running  # what assembles a record is needed for these runs alone

    return running.trace_of(ref)
