"""A traced run in a terminal: the live tree, above it what steps print, at the end One CLI's summary.

The executor runs in agent mode and prints into a `Spool`, which a thread reads ten times a second. An error
here ends the drawing, never the run, and the terminal is left as it was.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from one_trace.capture import human_text as text
from one_trace.capture.human import Event, HumanOutput, find_flow
from one_trace.capture.plain_output import style_of_stdout
from one_trace.capture.spool import Spool
from one_trace.capture.terminal import Terminal
from one_trace.capture.tracking import Tracking
from one_trace.errors import BROKEN
from one_trace.guard import streams
from one_trace.guard.text import clean
from one_trace.host.supervise import ENDING, Watcher
from one_trace.model.times import to_ms
from one_trace.runner.command_line import Parsed, ctrl_c_cancels
from one_trace.runner.output import Output

if TYPE_CHECKING:
    from one_trace.settings.sources import Settings
    from one_trace.view.live_plan import Called, Plan
    from one_trace.view.screen import Screen

INTERVAL_S = 0.1


def wanted(asked: Parsed | None, settings: Settings, env: Mapping[str, str]) -> Parsed | None:
    """`asked` if the run is to be drawn: unless settings or the environment forbid it."""
    if not settings.live or env.get("CI") or env.get("TERM", "dumb") == "dumb":
        return None
    runs = asked is not None and asked.command in ("execute", "resume") and not asked.help
    return asked if runs else None


class Drawing(Watcher):
    """The drawing of one run, from the start of its executor (`begin` or `drawn`) to its end."""

    def __init__(self, asked: Parsed, tracking: Tracking) -> None:
        self._asked, self._tracking = asked, tracking
        self._spool = Spool()
        self.output = self._spool.fd
        self._terminal = Terminal(2, sys.stderr.encoding)
        self._style = style_of_stdout()
        host = tracking.program is not None
        self._human = HumanOutput(asked, tracking.project, self._style, host=host)
        self._screen: Screen | None = None
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._broken = False
        self._pauses = 0
        self._canceled = False
        self.received: int | None = None
        """The last signal that told the host to end."""

    # -- start and end

    def begin(self, child: int) -> None:
        self._tracking.take_snapshot()
        self._open()
        self._tracking.begin(child)

    def _open(self) -> None:
        self._print(text.INTRO)
        # In this thread: two threads that import the same packages in different orders deadlock.
        try:
            from one_trace.record import flows
            from one_trace.view import live_tree, screen

            _ = flows, live_tree, screen
        except BROKEN as error:  # then nothing is drawn, and the executor's output is shown as it is
            self._break(error)
        self._thread = threading.Thread(target=self._draw, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Clear the drawing; nothing is drawn after this."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        self._update(last=True)
        self._clear()
        self._terminal.close()
        self._spool.close()

    def end(self) -> None:
        """Print what One CLI's human mode prints when a run is over."""
        if self.canceled:
            self._print(["◇  Canceled"])
        elif not self._broken:
            self._print(self._human.end())

    def _print(self, lines: list[str]) -> None:
        with suppress(OSError):  # the terminal is gone
            streams.write_all(1, "".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))

    @property
    def reported_id(self) -> str | None:
        """The run's id, if the executor has reported a result."""
        return self._human.result["runId"] if self._human.result is not None else None

    @property
    def error(self) -> str:
        """The error that `end` prints; empty if the run has not failed."""
        result = self._human.result or {}
        return str(result.get("error") or "") if result.get("status") == "failed" else ""

    @property
    def canceled(self) -> bool:
        """Whether Ctrl-C has ended the run before it was over."""
        return self._canceled and not self._human.over

    def _clear(self) -> None:
        screen, self._screen = self._screen, None
        if screen is not None:
            with suppress(Exception):  # a drawing that failed may fail to be cleared, too
                screen.hide()

    def _draw(self) -> None:
        while not self._over.wait(INTERVAL_S):
            self._update()

    def _update(self, *, last: bool = False) -> None:
        with self._lock:
            lines: list[bytes] = []
            try:
                lines = self._spool.lines(last=last)
                if not self._broken:
                    self._show(lines)
                    return
            except Exception as error:  # noqa: BLE001  a run goes on without its drawing, whatever is wrong
                self._break(error)
            self._pass_on(lines)

    def _break(self, error: BaseException) -> None:
        """Stop drawing, and say why."""
        self._broken = True
        self._clear()
        self._pass_on([clean(f"one-trace: cannot draw this run: {type(error).__name__}: {error}").encode()])

    def _pass_on(self, lines: list[bytes]) -> None:
        self._terminal.write("".join(f"{line.decode('utf-8', 'replace')}\n" for line in lines))

    # -- what is shown

    def _show(self, lines: list[bytes]) -> None:
        shown: list[str] = []
        for line in lines:
            event, words = self._human.take(line)
            shown += words
            if event is not None:
                self._feed(event)
        if self._pauses and self._human.start is not None:
            times, self._pauses = self._pauses, 0
            shown += ["", *text.pausing(self._run_id(), self._style)] * times
        if self._screen is not None:
            self._screen.say(shown)
        elif shown:
            self._pass_on([line.encode("utf-8", "replace") for line in shown])

    def _feed(self, event: Event) -> None:
        if self._screen is None and event is self._human.start:
            from one_trace.view.live_plan import plan_of
            from one_trace.view.screen import Screen

            key = str(event.get("flowKey"))
            flow = find_flow(self._asked, self._tracking.project, key)
            plan = plan_of(flow.definition) if flow else None
            self._screen = Screen(key, cast("TextIO", self._terminal), plan, self._called())
            self._screen.show()
        if self._screen is not None:
            self._screen.feed(event, ago_ms=_ago(event.get("timestamp")))

    def _called(self) -> Called:
        """How to find what a called flow consists of."""
        from one_trace.record.flows import FlowFiles
        from one_trace.view.live_plan import plan_of

        flows = FlowFiles(Path(self._tracking.project))

        def called(name: str) -> Plan | None:
            flow = flows.named(name)
            return plan_of(flow.definition) if flow else None

        return called

    # -- signals

    def signalled(self, number: int, *, typed: bool) -> bool:
        if number in ENDING:
            self.received = number
        if number != signal.SIGINT:
            return False
        if typed and ctrl_c_cancels(self._asked):
            self._update()  # the run may be over but for its timers: One CLI's own Ctrl-C ends those
            self._canceled = not self._human.over
        elif self._asked.command != "resume":
            self.pausing()
        return self._canceled

    def pausing(self) -> None:
        """Ctrl-C has been noted, and the run goes on."""
        self._pauses += 1

    def cancel(self) -> None:
        self._canceled = True

    def _run_id(self) -> str:
        if self._tracking.program is None:
            return self._tracking.token
        with suppress(OSError, ValueError):
            files = self._tracking.search()
            return files.run_id if files else "?"
        return "?"

    def stopping(self) -> None:
        self._lock.acquire()  # nothing is drawn while we are stopped
        if self._screen is not None:
            self._screen.hide()

    def continued(self) -> None:
        if self._screen is not None:
            self._screen.show()
        self._lock.release()

    # -- the built-in runner, which runs in this process

    @contextmanager
    def drawn(self) -> Iterator[Output]:
        """While the body runs, stdout and stderr of this process are the spool, and the run is drawn."""
        kept = [os.dup(fd) for fd in (1, 2)]
        self._open()
        before = signal.signal(signal.SIGTSTP, self._stop)
        for fd in (1, 2):
            os.dup2(self._spool.fd, fd)
        try:
            yield DrawnOutput(self)
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
        os.kill(os.getpid(), signal.SIGTSTP)  # stopped here until SIGCONT
        signal.signal(signal.SIGTSTP, self._stop)
        self.continued()


def _ago(written: object) -> float:
    """How long ago an event says that it was, in ms; 0 if it does not say."""
    at = to_ms(written) if isinstance(written, str) else None
    return max(0.0, time.time() * 1000 - at) if at is not None else 0.0


class DrawnOutput(Output):
    """The built-in runner's output, which is the spool, and what it reports of Ctrl-C."""

    for_people = True

    def __init__(self, drawing: Drawing) -> None:
        self._drawing = drawing

    def pausing(self, run_id: str) -> None:
        self._drawing.pausing()

    def canceled(self) -> None:
        self._drawing.cancel()
