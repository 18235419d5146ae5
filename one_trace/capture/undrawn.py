"""A traced run of One CLI that is not drawn: the host is started first, all else is imported while it starts.

What cannot be imported must not change the run: it is one line on stderr, after the run.
"""

from __future__ import annotations

import os

from one_trace.capture.call import PARENT, Asked, new_token, parent_mark, working_directory
from one_trace.errors import BROKEN
from one_trace.host import supervise
from one_trace.host.argv import is_agent
from one_trace.host.via import TOKEN
from one_trace.record.snapshot import Snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from one_trace.capture.tracking import Tracking
    from one_trace.settings.sources import Settings


def run(
    path: str,
    argv: list[str],
    settings: Settings | None = None,
    *,
    traced: bool | None = None,
    tags: list[str],
) -> int:
    """Run and trace a flow with the host at `path`. Returns the exit code. Without `settings`, they are read
    while the host runs; `traced`: what --trace and --no-trace say; `tags`: the values of --trace-tag."""
    watcher = _Undrawn(path, argv, settings, traced, tags)
    status = supervise.run(path, argv, watcher.env, watcher)
    try:
        from one_trace.capture import ended

        tracking = watcher.tracking or watcher.track()
        ended.trace_ended(tracking, status, agent=watcher.agent, signalled=watcher.received)
    except BROKEN as error:  # half an upgrade, a broken package
        from one_trace.capture.notices import as_error, report_error

        report_error(as_error(error), agent=watcher.agent)
    return _end(status)


def _end(status: int) -> int:
    try:
        from one_trace.capture import ended
    except BROKEN:
        return supervise.end_like(status)
    return ended.end(status)


def may_be_drawn(*, agent: bool) -> bool:
    """Whether there is a terminal to draw in, as far as is known before anything is imported for it."""
    return not agent and os.isatty(1) and os.isatty(2)


class _Undrawn(supervise.Watcher):
    def __init__(
        self, path: str, argv: list[str], settings: Settings | None, traced: bool | None, tags: list[str]
    ) -> None:
        self._path, self._settings, self._traced = path, settings, traced
        self._asked = Asked(argv, tags)
        self._before: Snapshot | None = None
        self._token, self._project = new_token(), working_directory()
        self.agent = is_agent(argv)
        self.tracking: Tracking | None = None
        self.received: int | None = None

    @property
    def env(self) -> dict[str, str]:
        """The environment of the host."""
        mark = parent_mark(self._token, self._project)
        return {**os.environ, TOKEN: self._token, PARENT: mark}

    def begin(self, child: int) -> None:
        self._before = Snapshot(self._project, self._asked.resumed)
        self.tracking = self.track()
        self.tracking.begin(child)

    def signalled(self, number: int, *, typed: bool) -> bool:
        if number in supervise.ENDING:
            self.received = number
        return False

    def track(self) -> Tracking:
        from one_trace.capture.ended import settings_in_force
        from one_trace.capture.tracking import Tracking

        settings = self._settings or settings_in_force(self._traced)
        return Tracking(settings, self._asked, self._path, self._token, self._before)
