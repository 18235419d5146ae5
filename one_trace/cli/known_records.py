"""The records that `trace import` knows already, by the names, sizes and times of their files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from one_trace import __version__
from one_trace.answers.reports import ImportedRun
from one_trace.guard.text import valid
from one_trace.model.digest import blake2b
from one_trace.record.files import ListedRun
from one_trace.record.flow_files import flow_paths
from one_trace.record.snapshot import stamp
from one_trace.store import Store
from one_trace.store.imports import ImportedRecord, imported, remember
from one_trace.store.reader import Kept

_TICK_NS = 100_000_000
"""A file written within this of being listed may be written again without another time."""
_SECOND_NS = 1_000_000_000
_BATCH = 500


class Outcome(Struct):
    """What importing one record reported. `run`: None if the record could not be read."""

    run: ImportedRun | None = None
    problems: list[str] = []
    changed_flow: str | None = None
    note: str | None = None


class KnownRecords:
    """The records under the folders of `runs` that the store has imported. `listed_ns`: when they were
    listed."""

    def __init__(self, store: Store, runs: Sequence[ListedRun], listed_ns: int) -> None:
        self._store = store
        self._listed_ns = listed_ns
        self._new: list[ImportedRecord] = []
        self._flow_stamps: dict[tuple[Path, str], str] = {}
        self._known = {
            folder: imported(store.connection, folder) for folder in {_key(run)[0] for run in runs}
        }
        self._outcomes = msgspec.json.Decoder(Outcome)

    def outcome(self, run: ListedRun) -> Outcome | None:
        """What the import of the record as it is now has reported; None if it has to be read."""
        folder, name = _key(run)
        known = self._known[folder].get(name)
        if known is None or known.stamp != _stamp(run):
            return None
        try:
            unchanged = known.flow_stamp == self._flow_stamp(run.project, known.flow_files)
            return self._outcomes.decode(known.outcome) if unchanged else None
        except msgspec.MsgspecError:  # of another version, or damaged
            return None

    def add(self, run: ListedRun, outcome: Outcome, kept: Kept | None, flow_files: Sequence[str]) -> None:
        """Remember an import. `kept`: what the store has of the run now. `flow_files`: the paths at which its
        flows were looked for."""
        # Some file systems have times of one or two seconds only.
        tick = _TICK_NS if run.written_ns % _SECOND_NS else 2 * _SECOND_NS
        if abs(self._listed_ns - run.written_ns) < tick:
            return
        if outcome.run is not None:
            outcome = replace(outcome, run=replace(outcome.run, state="unchanged"))
        try:
            paths, text = (msgspec.json.encode(each).decode() for each in (flow_files, outcome))
        except UnicodeEncodeError:  # a name that is not UTF-8: such a record is read each time
            return
        number, revision = (kept.number, kept.revision) if kept is not None else (None, None)
        flow_stamp = self._flow_stamp(run.project, paths)
        folder, name = _key(run)
        self._new.append(ImportedRecord(folder, name, _stamp(run), paths, flow_stamp, number, revision, text))
        if len(self._new) >= _BATCH:
            self.save()

    def save(self) -> None:
        """Write what was added."""
        if self._new:
            with self._store.connection.writing() as connection:
                remember(connection, self._new)
            self._new = []

    def _flow_stamp(self, project: Path, paths: str) -> str:
        """Identifies the flow files at `paths` (as JSON), and the names of all flows, which decide where one
        is looked for."""
        found = self._flow_stamps.get((project, paths))
        if found is None:
            names = [flow.path for flow in flow_paths(str(project))]
            stamps = [stamp(path) for path in msgspec.json.decode(paths, type=list[str])]
            found = blake2b(f"{names!a} {stamps}".encode(), digest_size=16).hexdigest()
            self._flow_stamps[project, paths] = found
        return found


def _key(run: ListedRun) -> tuple[str, str]:
    return valid(str(run.flows)), valid(run.name)


def _stamp(run: ListedRun) -> str:
    """Another version may read the same files otherwise."""
    return f"{__version__} {run.stamp}"
