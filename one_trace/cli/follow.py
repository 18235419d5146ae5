"""`trace show --follow`: draws another process's run in this folder as its log grows."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from one_trace.assemble import assemble
from one_trace.cli.out import Out
from one_trace.errors import NoSuchRun
from one_trace.guard.files import open_plain
from one_trace.model.times import to_ms
from one_trace.model.trace import Trace
from one_trace.record.files import RunFiles, discover
from one_trace.record.flows import FlowFiles
from one_trace.record.reading import read

POLL_S = 0.1
_ENDED = ("Flow completed", "Flow failed", "Flow completed after resume", "Flow failed after resume")
_RESUMED = "Flow resumed"


def follow(ref: str, speaker: Out) -> Trace:
    """Watch the run until it ends (or the reader presses Ctrl-C). Returns its trace.

    Raises NoSuchRun, RecordError.
    """
    files = _find(ref)
    if files.log is not None:
        try:
            _watch(files, files.log, speaker)
        except KeyboardInterrupt:
            speaker.note("")
    return assemble(read(files)).trace


def _find(ref: str) -> RunFiles:
    """The run of this folder that `ref` means: an id, a unique prefix of one, or ``last``."""
    runs, _ = discover([Path.cwd()])
    if ref == "last":
        runs = sorted(runs, key=_changed)[-1:]
    else:
        runs = [run for run in runs if run.run_id == ref] or [
            run for run in runs if run.run_id.startswith(ref)
        ]
    if len(runs) == 1:
        return runs[0]
    if runs:
        names = ", ".join(sorted(run.run_id for run in runs)[:5])
        raise NoSuchRun(f"'{ref}' begins more than one run: {names}", hint="Give more of the id.")
    raise NoSuchRun(
        f"no run '{ref}' in the folder {Path.cwd()}", hint="A run is followed in the folder where it runs."
    )


def _changed(run: RunFiles) -> float:
    path = run.log or run.state
    try:
        return path.stat().st_mtime if path else 0.0
    except OSError:
        return 0.0


def _watch(files: RunFiles, log: Path, speaker: Out) -> None:
    lines = tail(log, lambda: time.sleep(POLL_S))
    if speaker.agent or not sys.stderr.isatty():
        for _ in lines:
            pass
        return
    from one_trace.view.live_tree import plan_of
    from one_trace.view.screen import Screen

    flow = FlowFiles(files.project).with_key(files.flow_key)
    with Screen(files.flow_key, sys.stderr, plan_of(flow.definition) if flow else None) as screen:
        for line in lines:
            screen.feed(line, ago_ms=_ago(line.get("ts")))


def _ago(written: object) -> float:
    """How long ago a line was written, in ms."""
    at = to_ms(written) if isinstance(written, str) else None
    return max(0.0, time.time() * 1000 - at) if at is not None else 0.0


def tail(log: Path, wait: Callable[[], None]) -> Iterator[dict[str, object]]:
    """The lines of a log, old and new, until the flow ends; `wait` is called between reads."""
    ended = False
    rest = b""
    with os.fdopen(open_plain(log), "rb") as file:
        while True:
            data = file.read(1 << 20)
            if not data:
                if ended:
                    return
                wait()
                continue
            *rows, rest = (rest + data).split(b"\n")
            for row in rows:
                line = _line(row)
                if line is not None:
                    ended = line.get("msg") in _ENDED or (ended and line.get("msg") != _RESUMED)
                    yield line


def _line(row: bytes) -> dict[str, object] | None:
    try:
        line = msgspec.json.decode(row)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return line if isinstance(line, dict) else None
