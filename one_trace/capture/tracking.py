"""Finding our run: what the command line asks for, what was there before, where the record is."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from one_trace.capture.call import Asked, new_token, working_directory
from one_trace.capture.lineage import origin_of, origin_without_parent
from one_trace.capture.pending import Note
from one_trace.errors import BROKEN, SettingsError
from one_trace.guard.light import import_msgspec
from one_trace.host.via import identity, run_marks
from one_trace.record.snapshot import Snapshot

if TYPE_CHECKING:
    import threading

    from one_trace.record.files import RunFiles
    from one_trace.record.search import Match, Wanted
    from one_trace.settings.sources import Settings

_RUN_ID = re.compile(r"[0-9a-f]{12}\Z")
_SEARCH_AFTER_S = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Pauses between searches during the run: a run found then need not be searched for at its end."""


_AHEAD = "one-trace-ahead"
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
        self.origin = origin_without_parent(os.environ, resumed=asked.resumed is not None)
        self._before = before or Snapshot()
        self._note = Note(_data_path(settings), self._about(None))
        self._over: threading.Event | None = None

    def take_snapshot(self) -> None:
        """Note which runs are there already. To be called as soon as the host has been started."""
        self._before = Snapshot(self.project, self.asked.resumed)

    def begin(self, child: int | None) -> None:
        """The run starts, in the process `child` or in this one: do now what takes time."""
        with suppress(*BROKEN):  # reported when the run is traced
            self.origin = origin_of(os.environ, resumed=self.asked.resumed is not None)
        with suppress(*BROKEN):
            self._note.write({**self._about(child), "flow": self.asked.flow})
        if child is not None:
            with suppress(*BROKEN):  # without a thread, all of it is done later
                import threading

                # Not a daemon: an import that is under way when the interpreter ends can crash.
                self._over = threading.Event()
                threading.Thread(target=self._prepare, args=[self._over], name=_AHEAD).start()

    def search(self) -> RunFiles | None:
        """Our run while it is running, if its record identifies it."""
        if self.files is None and self.project:
            from one_trace.record import search

            self.files = search.find_by_token(Path(self.project), self._wanted(None), self._before)
        return self.files

    def find(self, reported_id: str | None, *, succeeded: bool) -> Match | None:
        """Our run after its end; None if the command was not to start one. `reported_id`: its id, if the
        executor has printed it.
        """
        if self._over is not None:
            self._over.set()
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
        }

    def _prepare(self, over: threading.Event) -> None:
        """In a thread: import what is needed after the run, and search for the run."""
        with suppress(*BROKEN):  # the main thread meets the same error, and reports it
            if "one_trace.capture.drawn" not in sys.modules:  # which imports in another thread
                import_msgspec()
            warm(self.settings)
            for pause in _SEARCH_AFTER_S:
                if over.wait(pause) or self.search() is not None:
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


def leave(code: int) -> None:
    """End this process without the interpreter's own clean-up, which takes as long as starting it. Everything
    has been written, and the thread that imports ahead need not finish. Returns while others are at work."""
    threading = sys.modules.get("threading")
    others = threading.enumerate() if threading is not None else []
    if all(each.daemon or each.name in (_AHEAD, "MainThread") for each in others):
        os._exit(code)


def _data_path(settings: Settings) -> Path | None:
    try:
        return settings.data_path
    except SettingsError:  # reported when the run is traced
        return None


def _run_id(asked: Asked) -> str:
    """The id for a run of the built-in runner: that of the resumed run, or a new one."""
    old = asked.resumed
    return old if old and _RUN_ID.match(old) else os.urandom(6).hex()
