"""Keeping track of our run: what was asked, what was there before, where its record is."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from one_trace.capture.lineage import early, origin_of
from one_trace.capture.pending import Note
from one_trace.errors import BROKEN, SettingsError
from one_trace.host.argv import first_words
from one_trace.host.via import identity_of, run_marks
from one_trace.record.snapshot import Snapshot

if TYPE_CHECKING:
    import threading

    from one_trace.record import Found, RunFiles, Wanted
    from one_trace.runner.command_line import Parsed
    from one_trace.settings.sources import Settings

_RUN_ID = re.compile(r"[0-9a-f]{12}\Z")
_LOOKS_S = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""Pauses between looks for the run while it goes on: what is found then need not be looked for at its end."""


class Asked:
    """What the command line asks for."""

    def __init__(self, argv: list[str]) -> None:
        self._argv, self._words = argv, first_words(argv)

    @property
    def resumed(self) -> str | None:
        """The id of the run that is to go on, as it was typed."""
        return self._argument if self._words[1] == "resume" else None

    @property
    def flow(self) -> str | None:
        """The key or path that names the flow."""
        return self._argument if self._words[1] != "resume" else None

    @cached_property
    def parsed(self) -> Parsed | None:
        """All of it; None where One CLI would refuse it."""
        with suppress(*BROKEN):
            from one_trace.runner.command_line import parse

            return parse(self._argv)
        return None

    @property
    def _argument(self) -> str | None:
        """It nearly always stands behind the verb: then the rest need not be read."""
        if len(self._words) > 2:
            return self._words[2]
        return self.parsed.argument if self.parsed is not None else None

    @property
    def promised(self) -> bool:
        """Whether a run, and so a trace, is to come of it."""
        parsed = self.parsed
        dry = parsed is not None and parsed.has("--dry-run") and not parsed.has("--stop-after")
        return parsed is None or not (parsed.help or dry)


class Tracking:
    """One traced run, from before it begins. `program`: the host's, None for the built-in runner. `word`: the
    token in the host's environment; for the built-in runner the run's id."""

    def __init__(self, settings: Settings, asked: Asked, program: str | None) -> None:
        self.settings, self.asked, self.program = settings, asked, program
        self.project = here()
        self.word = os.urandom(16).hex() if program else _own_id(asked)
        self.files: RunFiles | None = None
        self.origin = early(os.environ, resumed=self.asked.resumed is not None)
        self._before = Snapshot()
        self._note = Note(_folder_of(settings), self._about(None))
        self._over: threading.Event | None = None

    def look_around(self) -> None:
        """What is there before the host leaves anything: to be called at once when it has been started."""
        self._before = Snapshot(self.project, self.asked.resumed)

    def begin(self, child: int | None) -> None:
        """The run is starting, in the process `child` or in our own: what takes time is done meanwhile."""
        with suppress(*BROKEN):  # said when the run is traced
            self.origin = origin_of(os.environ, resumed=self.asked.resumed is not None)
        with suppress(*BROKEN):
            self._note.write({**self._about(child), "flow": self.asked.flow})
        if child is not None:
            with suppress(*BROKEN):  # no thread to be had: then later
                import threading

                # Waited for at our end: an import that the end of the interpreter meets can crash.
                self._over = threading.Event()
                threading.Thread(target=self._prepare, args=[self._over]).start()

    def look(self) -> RunFiles | None:
        """Our run, if it can be told while it goes on."""
        if self.files is None and self.project:
            from one_trace import record

            self.files = record.find_by_token(Path(self.project), self._wanted(None), self._before)
        return self.files

    def find(self, said: str | None, *, ran: bool) -> Found | None:
        """Our run, now that it has ended; None where there was not to be one. `said`: its id, where the
        executor has been heard to say it. `ran`: it has ended well.
        """
        if self._over is not None:
            self._over.set()
        from msgspec.structs import replace

        from one_trace import record

        files = self.files
        if files is None or files.state is None or not files.state.exists():
            found = self._search(said, ran=ran)
            if found.files is None:
                return found if self.asked.promised else None
            files = found.files
        return record.Found(replace(files, flow=self.asked.flow), 1)

    def done(self) -> None:
        """The run is looked after."""
        self._note.done()

    def _search(self, said: str | None, *, ran: bool) -> Found:
        from one_trace import record

        # The folder may have another name by now: we are still in it.
        projects = [Path(folder) for folder in (self.project, here()) if folder]
        if self.program is None:
            every = [record.find_by_id(project, self.word) for project in projects]
            return record.Found(next(filter(None, every), None))
        return record.find(self._before, self._wanted(said, ran=ran), projects)

    def _wanted(self, said: str | None, *, ran: bool = False) -> Wanted:
        from one_trace import record

        return record.Wanted(run_marks(self.word), self.asked.resumed, self._key, said, ran)

    def _key(self) -> str | None:
        """The flow's `key` field, if the file that was named can be read."""
        if not self.asked.flow:
            return None
        from one_trace.record import FlowFiles

        flow = FlowFiles(Path(self.project)).named(self.asked.flow)
        return flow.key if flow else None

    def _about(self, child: int | None) -> dict[str, object]:
        origin = self.origin
        return {
            "project": self.project,
            "token": self.word if self.program else None,
            "runId": None if self.program else self.word,
            "program": self.program,
            "host": identity_of(child) if child is not None else None,
            "resumed": self.asked.resumed,
            "session": origin.session,
            "parent": origin.parent,
            "traceparent": origin.traceparent,
        }

    def _prepare(self, over: threading.Event) -> None:
        """In a thread: import what comes after the run, and find the run."""
        with suppress(*BROKEN):  # said by the main thread, which comes to the same
            warm(self.settings)
            for pause in _LOOKS_S:
                if over.wait(pause) or self.look() is not None:
                    return


def warm(settings: Settings) -> None:
    """Import what comes after the run while the host is running: that costs the user nothing."""
    # First of all the package that the others take modules from: whoever imports one of them ahead of
    # it, while the main thread imports the package, is in a deadlock with it (Python 3.11).
    from one_trace import record  # isort: skip
    from one_trace import assemble, store
    from one_trace.deliver import sinks
    from one_trace.deliver import warm as warm_delivery
    from one_trace.outbound import error_text

    _ = assemble, record, store, error_text
    if settings.upload == "auto" and sinks.ready(settings):
        warm_delivery()


def _folder_of(settings: Settings) -> Path | None:
    """Where the store lies; None where there is no such folder, which is said when the run is traced."""
    try:
        return settings.data_path
    except SettingsError:
        return None


def here() -> str:
    with suppress(OSError):
        return os.getcwd()
    return ""  # the folder has been deleted: the host will say so


def _own_id(asked: Asked) -> str:
    """The id of a run of the built-in runner's: one that is resumed has its own."""
    old = asked.resumed
    return old if old and _RUN_ID.match(old) else os.urandom(6).hex()
