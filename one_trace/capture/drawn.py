"""A traced run in a terminal: its tree as it grows, above it what steps print, in the end the host's words.

The executor is run in agent mode and prints into a `Spool`; a thread of ours looks into that ten times a
second. Whatever breaks here ends the picture, never the run, and the terminal is left as it was.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from one_trace.capture.human import Event, HumanOutput
from one_trace.capture.spool import Spool
from one_trace.capture.terminal import Terminal
from one_trace.capture.tracking import Tracking
from one_trace.errors import BROKEN
from one_trace.guard.text import clean
from one_trace.host.supervise import Watcher
from one_trace.runner.console import Console
from one_trace.runner.failures import ReaderGone
from one_trace.runner.options import Parsed, ctrl_c_cancels

if TYPE_CHECKING:
    from one_trace.record.flows import FlowFile
    from one_trace.settings.sources import Settings
    from one_trace.view.screen import Screen

LOOK_S = 0.1


def wanted(asked: Parsed | None, settings: Settings, env: Mapping[str, str]) -> Parsed | None:
    """What is to be run, if it is to be drawn: in a terminal, where nobody has said otherwise."""
    if not settings.live or env.get("CI") or env.get("TERM", "dumb") == "dumb":
        return None
    if asked is None:
        return None  # the host says what is wrong with it
    return asked if asked.command in ("execute", "resume") and not asked.help else None


class Live(Watcher):
    """The picture of one run. `begin` it when the executor has been started, `close` it when it has ended."""

    def __init__(self, asked: Parsed, tracking: Tracking, *, host: bool) -> None:
        self._tracking = tracking
        self._spool = Spool()
        self.output = self._spool.fd
        self._terminal = Terminal(2, sys.stderr.encoding)
        self._console = Console(agent=False)
        self._resume = asked.command == "resume"
        self._asked = asked
        self._human = HumanOutput(
            self._console, host=host, resume=self._resume, verbose=asked.has("--verbose")
        )
        self._screen: Screen | None = None
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._silent = self._broken = False
        self._pauses = 0
        self._canceled = False

    # -- from its beginning to its end

    def begin(self, child: int | None = None) -> None:
        with suppress(OSError, ReaderGone):  # the terminal has gone
            self._console.intro()
        # By the one thread there is: two that import the same rooms in other orders are a deadlock.
        try:
            from one_trace.record import flows
            from one_trace.view import live_tree, screen

            _ = flows, live_tree, screen
        except BROKEN as error:  # no picture, then: what is printed is shown as it is
            self._break(error)
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take the picture away; nothing of ours is drawn after this."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self._guarded(last=True)
        self._clear()
        self._terminal.close()
        self._spool.close()

    def end(self) -> None:
        """Say what the host's human mode says of a run that is over."""
        with suppress(OSError, ReaderGone):  # the terminal has gone
            if self.canceled:
                self._console.say("◇  Canceled")
            elif not self._broken:
                self._human.end()

    @property
    def said_id(self) -> str | None:
        """The run's id, if the executor has said how it ended."""
        return self._human.run_id

    @property
    def canceled(self) -> bool:
        """Whether Ctrl-C has ended the run before it was over."""
        return self._canceled and not self._human.over

    def _clear(self) -> None:
        screen, self._screen = self._screen, None
        if screen is not None:
            with suppress(Exception):  # what could not be drawn may not be cleared away either
                screen.hide()

    def _look_on(self) -> None:
        while not self._over.wait(LOOK_S):
            self._guarded()

    def _guarded(self, *, last: bool = False) -> None:
        with self._lock:
            lines: list[bytes] = []
            try:
                lines = self._spool.lines(last=last)
                if not self._broken:
                    self._show(lines)
                    return
            except Exception as error:  # noqa: BLE001  a picture that cannot be drawn: the run goes on without
                self._break(error)
            self._raw(lines)

    def _break(self, error: BaseException) -> None:
        """Draw no more, and say so."""
        self._broken = True
        self._clear()
        self._raw([clean(f"one-trace: cannot draw this run: {type(error).__name__}: {error}").encode()])

    def _raw(self, lines: list[bytes]) -> None:
        """What the executor says as it says it."""
        self._terminal.write("".join(f"{line.decode('utf-8', 'replace')}\n" for line in lines))

    # -- what is shown

    def _show(self, lines: list[bytes]) -> None:
        said: list[str] = []
        if lines and not self._silent:
            said += self._title()
        for line in lines:
            event, words = self._human.take(line)
            said += words
            if event is not None:
                self._feed(event)
        if self._pauses and self._human.begun is not None:
            said += self._pausing()
        self._say(said)

    def _feed(self, event: Event) -> None:
        if self._screen is None and event is self._human.begun:
            from one_trace.view.live_tree import plan_of
            from one_trace.view.screen import Screen

            flow = self._flow(str(event.get("flowKey")))
            plan = plan_of(flow.definition) if flow else None
            self._screen = Screen(str(event.get("flowKey")), cast("TextIO", self._terminal), plan)
            self._screen.show()
        if self._screen is not None:
            self._screen.feed(event)

    def _say(self, lines: list[str]) -> None:
        if self._screen is not None:
            self._screen.say(lines)
        elif lines:
            self._raw([line.encode("utf-8", "replace") for line in lines])

    def _title(self) -> list[str]:
        """The flow's name, which no event carries; nothing of a flow that is not there."""
        self._silent = True
        flow = None if self._resume else self._flow(None)
        if flow is None:
            return []
        name = clean(str(flow.definition.get("name")))
        return [f"◇  Workflow: {name} ({len(flow.definition['steps'])} steps)"]

    def _flow(self, key: str | None) -> FlowFile | None:
        from one_trace.record.flows import FlowFiles

        files = FlowFiles(Path(self._tracking.project))
        named = files.named(self._asked.argument or "") if not self._resume else None
        return named or (files.with_key(key) if key else None)

    # -- signals

    def signalled(self, number: int, *, typed: bool) -> bool:
        if number != signal.SIGINT:
            return False
        if typed and ctrl_c_cancels(self._asked):
            self._guarded()  # nothing but timers may be left of the run: those the host's own Ctrl-C ends
            self._canceled = not self._human.over
        elif not self._resume:
            self._pauses += 1
        return self._canceled

    def _pausing(self) -> list[str]:
        """What the host says at each Ctrl-C: it notes it, and goes on."""
        times, self._pauses = self._pauses, 0
        words = self._console.yellow("Pausing after current step completes...")
        return ["", self._console.shown(f"{words} (run ID: {self.run_id()})")] * times

    def run_id(self) -> str:
        return "?"

    def stopping(self) -> None:
        self._lock.acquire()  # nothing is drawn until we go on
        if self._screen is not None:
            self._screen.hide()

    def going_on(self) -> None:
        if self._screen is not None:
            self._screen.show()
        self._lock.release()


class OfHost(Live):
    """The picture of a run of One CLI's."""

    def __init__(self, asked: Parsed, tracking: Tracking) -> None:
        super().__init__(asked, tracking, host=True)

    def begin(self, child: int | None = None) -> None:
        self._tracking.look_around()
        super().begin()
        self._tracking.begin(child)

    def run_id(self) -> str:
        with suppress(OSError, ValueError):
            files = self._tracking.look()
            return files.run_id if files else "?"
        return "?"


class OfOurs(Live):
    """The picture of a run of the built-in runner's, which is in this very process."""

    def __init__(self, asked: Parsed, tracking: Tracking) -> None:
        super().__init__(asked, tracking, host=False)

    def run_id(self) -> str:
        return self._tracking.word

    def told(self, event: Event) -> None:
        """What the runner says to its listener alone."""
        if event["event"] == "run:pausing":
            self._pauses += 1
        elif event["event"] == "run:canceled":
            self._canceled = True

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """While the body runs, what this process prints goes to the spool, and the picture is drawn."""
        kept = [os.dup(fd) for fd in (1, 2)]
        self.begin()
        before = signal.signal(signal.SIGTSTP, self._stop)
        for fd in (1, 2):
            os.dup2(self._spool.fd, fd)
        try:
            yield
        finally:
            with suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            signal.signal(signal.SIGTSTP, before)
            self.close()
            for fd, old in zip((1, 2), kept, strict=True):
                os.dup2(old, fd)
                os.close(old)

    def _stop(self, number: int, frame: object) -> None:
        self.stopping()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)  # here we stand still
        signal.signal(signal.SIGTSTP, self._stop)
        self.going_on()
