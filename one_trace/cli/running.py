"""The runs that are under way, as the commands name them: `running`, an id, the beginning of one."""

from __future__ import annotations

from pathlib import Path

from one_trace.analyse.run_refs import RUNNING
from one_trace.assemble import assemble
from one_trace.capture.under_way import ActiveRun, active_runs, files_now, pick
from one_trace.cli.configured import configured
from one_trace.cli.params import project_here
from one_trace.model.trace import Trace
from one_trace.record.reading import read


def active() -> list[ActiveRun]:
    """All runs that are under way, the last started first: traced ones, and others of this folder."""
    return active_runs(configured().data_path, _folder())


def newest() -> ActiveRun | None:
    """The run that `running` means."""
    return pick(active(), _folder())


def find(ref: str) -> ActiveRun | None:
    """The one run under way whose id `ref` is or begins."""
    found = [run for run in active() if run.files.run_id.startswith(ref)]
    return found[0] if len(found) == 1 else None


def trace_of(ref: str) -> Trace | None:
    """The trace, so far, of the run under way that `ref` means; None where it means none."""
    run = newest() if ref == RUNNING else find(ref)
    return assemble(read(files_now(run))).trace if run is not None else None


def _folder() -> Path | None:
    project = project_here()
    return Path(project) if project is not None else None
