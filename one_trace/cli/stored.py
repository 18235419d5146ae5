"""One run, for the commands about one run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from one_trace.analyse.run_refs import RUNNING
from one_trace.cli.reading import here_in, history_of, only_here
from one_trace.errors import CliError, NoSuchRun
from one_trace.history.local import LocalHistory
from one_trace.model.trace import Trace
from one_trace.store import Store

if TYPE_CHECKING:
    from one_trace.history.protocol import History
    from one_trace.settings.history_url import HistoryUrl


def key_of(history: History, ref: str) -> str:
    """The run that `ref` means, seen from here: see `analyse.run_refs`. Raises NoSuchRun."""
    if ref == RUNNING:
        raise NoSuchRun("a run is stored when it has ended", hint="one trace show running --follow")
    return history.find(ref, here_in(history))


def stored_key(store: Store, ref: str) -> str:
    """The same in the store of this machine."""
    return key_of(LocalHistory(store), ref)


def stored_or_exported(history: History, ref: str) -> Trace:
    """The trace in a file (``base.json``, ``./base``), else of a run in the history. Raises CliError."""
    path = Path(ref)
    if path.suffix == ".json" or (path.name != ref and path.is_file()):
        from one_trace.export.document import read_trace

        return read_trace(path)
    return history.trace(key_of(history, ref))


def trace_of(ref: str, place: HistoryUrl | None = None) -> Trace:
    """The trace of the run that `ref` means, see `analyse.run_refs`; so far, if it is under way. `place`: see
    `cli.reading`; runs under way are on this machine only.

    Raises NoSuchRun, StoreError, RecordError."""
    if ref == RUNNING:
        only_here(place, "a run that is under way")
        trace = _under_way(ref)
        if trace is None:
            raise NoSuchRun("no run is under way", hint="'one trace show --follow' waits for the next one.")
        return trace
    try:
        with history_of(place) as history:
            return history.trace(key_of(history, ref))
    except NoSuchRun as error:
        if place is not None:
            raise _or_is_here(ref, error) from None
        trace = _under_way(ref)
        if trace is None:
            raise
        return trace


def _or_is_here(ref: str, error: NoSuchRun) -> NoSuchRun:
    """The error about a run that is not in a history elsewhere; the store of this machine may have it."""
    try:
        with history_of(None) as history:
            key_of(history, ref)
    except CliError:
        return error
    return NoSuchRun(error.message, hint="The store of this machine has it: add --from local.")


def _under_way(ref: str) -> Trace | None:
    from one_trace.cli import running  # what assembles a record is needed for these runs alone

    return running.trace_of(ref)
