"""One traced run while it runs: the note about it, what is imported ahead, and the search for its record."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from one_trace.capture.call import Asked, new_token, working_directory
from one_trace.capture.lineage import origin_without_parent, parent_of, tags_of
from one_trace.capture.pending import Note
from one_trace.errors import BROKEN, SettingsError
from one_trace.guard.light import import_msgspec
from one_trace.host.via import identity, run_marks
from one_trace.record.snapshot import Snapshot, changed_ns

if TYPE_CHECKING:
    import threading

    from one_trace.record.files import RunFiles
    from one_trace.record.search import Match, Wanted
    from one_trace.settings.sources import Settings

_RUN_ID = re.compile(r"[0-9a-f]{12}\Z")
_POLLS = (*[0.005] * 400, *[0.1] * 40)
"""Pauses in seconds between looks at the folder during the run: a run found then need not be searched for at
its end. The kernel could report new files, but takes 10 to 20 ms to stop, and a process ends only then."""
_SEARCHES = 3
"""Searches after each change of the folder: a state is empty for a moment when it is saved."""

AHEAD = "one-trace-ahead"
"""The name of the thread that does during the run what is needed after it."""


class Tracking:
    """One traced run. `program` is One CLI's, None for the built-in runner. `token` is in the environment
    that One CLI stores in its state; for the built-in runner it is the run's id.
    """

    def __init__(
        self,
        settings: Settings,
        asked: Asked,
        program: str | None,
        token: str | None = None,
        before: Snapshot | None = None,
    ) -> None:
        """`before`: what was there when the host had just been started."""
        self.settings, self.asked, self.program = settings, asked, program
        self.project = working_directory()
        self.token = token or (new_token() if program else _run_id(asked))
        self.files: RunFiles | None = None
        tags, self.unused_tags = tags_of(os.environ, asked.tags)
        self.origin = origin_without_parent(os.environ, resumed=asked.resumed is not None)._replace(
            tags=tuple(tags.items())
        )
        self._before = before or Snapshot()
        self._note = Note(_data_path(settings), self._about(None))
        self._over: threading.Event | None = None
        self._warmed: threading.Event | None = None

    def take_snapshot(self) -> None:
        """Note which runs are there already. To be called as soon as the host has been started."""
        self._before = Snapshot(self.project, self.asked.resumed)

    def begin(self, child: int | None) -> None:
        """The run starts, in the process `child` or in this one: do now what takes time."""
        with suppress(*BROKEN):  # reported when the run is traced
            # Only now is it known whether the parent is still running.
            self.origin = self.origin._replace(parent=parent_of(os.environ))
        with suppress(*BROKEN):
            self._note.write({**self._about(child), "flow": self.asked.flow})
        if child is not None:
            with suppress(*BROKEN):  # without a thread, all of it is done later
                import threading

                # Not a daemon: an import that is under way when the interpreter ends can crash.
                over, self._warmed = threading.Event(), threading.Event()
                threading.Thread(target=self._prepare, args=[over, self._warmed], name=AHEAD).start()
                self._over = over

    def search(self) -> RunFiles | None:
        """Our run while it is running, if its record identifies it."""
        if self.files is None and self.project:
            from one_trace.record import search

            self.files = search.find_by_token(
                Path(self.project), self._wanted(None), self._before, only_new=True
            )
        return self.files

    def find(self, reported_id: str | None, *, succeeded: bool) -> Match | None:
        """Our run after its end; None if the command was not to start one. `reported_id`: its id, if the
        executor has printed it.
        """
        if self._over is not None and self._warmed is not None:
            self._over.set()
            # All of that is needed now. Listing a folder beside it waits for the interpreter at each name.
            self._warmed.wait()
        from msgspec.structs import replace

        from one_trace.record import search

        files = self.files
        if files is None or files.state is None or not files.state.exists():
            found = self._find(reported_id, succeeded=succeeded)
            if found.files is None:
                return found if self.asked.promises_run else None
            files = found.files
        return search.Match(replace(files, flow=self.asked.flow), 1)

    def done(self) -> None:
        """The run has been traced."""
        self._note.remove()

    def _find(self, reported_id: str | None, *, succeeded: bool) -> Match:
        from one_trace.record import search

        # The folder may have been renamed: it is still our working directory.
        projects = [Path(folder) for folder in (self.project, working_directory()) if folder]
        if self.program is None:
            found = (search.find_by_id(project, self.token) for project in projects)
            return search.Match(next(filter(None, found), None))
        return search.find(self._before, self._wanted(reported_id, succeeded=succeeded), projects)

    def _wanted(self, reported_id: str | None, *, succeeded: bool = False) -> Wanted:
        from one_trace.record import search

        marks = run_marks(self.token)
        return search.Wanted(marks, self.asked.resumed, self._key, reported_id, succeeded)

    def _key(self) -> str | None:
        """The flow's `key` field, if its file can be read."""
        if not self.asked.flow:
            return None
        from one_trace.record.flows import FlowFiles

        flow = FlowFiles(Path(self.project)).named(self.asked.flow)
        return flow.key if flow else None

    def _about(self, child: int | None) -> dict[str, object]:
        """The content of the note from which an orphaned run is traced."""
        origin = self.origin
        return {
            "project": self.project,
            "token": self.token if self.program else None,
            "runId": None if self.program else self.token,
            "program": self.program,
            "host": identity(child) if child is not None else None,
            "resumed": self.asked.resumed,
            "session": origin.session,
            "parent": origin.parent,
            "traceparent": origin.traceparent,
            "tags": origin.tags,
        }

    def _prepare(self, over: threading.Event, warmed: threading.Event) -> None:
        """In a thread: import what is needed after the run, and search for the run."""
        with suppress(*BROKEN):  # the main thread meets the same error, and reports it
            try:
                if "one_trace.capture.drawn" not in sys.modules:  # which imports in another thread
                    import_msgspec()
                warm(self.settings)
            finally:
                warmed.set()
            seen, searches = self._before.changed_ns, 0
            for pause in _POLLS:
                now = changed_ns(self.project)
                if now != seen:
                    seen, searches = now, _SEARCHES
                if searches > 0 and self.search() is not None:
                    return
                searches -= 1
                if over.wait(pause):
                    return


def warm(settings: Settings) -> None:
    """Import what is needed after the run while the host is running, when it costs the user nothing."""
    from one_trace import assemble, store
    from one_trace.answers import saved
    from one_trace.deliver import sinks
    from one_trace.deliver import warm as warm_delivery
    from one_trace.record import search
    from one_trace.store import save

    _ = assemble, saved, search, store, save
    if settings.upload == "auto" and sinks.ready(settings):
        warm_delivery()


def _data_path(settings: Settings) -> Path | None:
    try:
        return settings.data_path
    except SettingsError:  # reported when the run is traced
        return None


def _run_id(asked: Asked) -> str:
    """The id for a run of the built-in runner: that of the resumed run, or a new one."""
    old = asked.resumed
    return old if old and _RUN_ID.match(old) else os.urandom(6).hex()
