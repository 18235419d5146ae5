"""Where the files of a run are, its log, and the state of an earlier run. The places are One CLI's."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from one_trace.engine.schema import Json
from one_trace.errors import CliError
from one_trace.guard.files import STATE_LIMIT, read_plain
from one_trace.guard.private import make_folder
from one_trace.model.times import to_iso
from one_trace.record.flow_files import FLOWS
from one_trace.runner.infinity import AS_WRITTEN, dumps

if TYPE_CHECKING:
    from one_trace.record.state import State

RUNS = f"{FLOWS}/.runs"
LOGS = f"{FLOWS}/.logs"
SIZES = f"{FLOWS}/.sizes"
_STATE = ".state.json"
_SHARED = 0o775
"""As One CLI creates them: a group may share them, but no umask opens them to everybody."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def new_run_id() -> str:
    return os.urandom(6).hex()


def to_json(value: Json) -> str:
    """Like JSON.stringify: compact, with only lone surrogates escaped."""
    text = dumps(value, AS_WRITTEN, ascii=False, compact=True)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def find_state(run_id: str) -> State | None:
    """The state of that run, else, as in One CLI, of the first whose file name contains the id; None if there
    is none that can be read.
    """
    from one_trace.record.state import read_state  # only needed to resume a run

    try:
        names = sorted(name for name in os.listdir(RUNS) if run_id in name and name.endswith(_STATE))
        names.sort(key=lambda name: not name.endswith(f"-{run_id}{_STATE}"))
        state, _ = (
            read_state(read_plain(os.path.join(RUNS, names[0]), STATE_LIMIT)) if names else (None, None)
        )
    except OSError:
        return None
    return state if state is not None and state.saves is not None else None


class RunLog:
    """The log of a run: one line of JSON for each event, appended before anybody hears of it."""

    def __init__(self, flow_key: str, run_id: str) -> None:
        self.path = f"{LOGS}/{flow_key}-{run_id}.log"
        self.state_path = f"{RUNS}/{flow_key}-{run_id}{_STATE}"
        self.sizes_path = f"{SIZES}/{flow_key}-{run_id}.jsonl"
        try:
            for folder in (RUNS, LOGS):
                make_folder(Path(folder), _SHARED)
            self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CliError(
                f"a run cannot be recorded in {FLOWS}: {error.strerror or error}",
                hint="Run it in a folder that can be written to.",
            ) from error

    def make_sizes_folder(self) -> bool:
        """Create the folder that only a traced run needs; False if that fails, which is not an error."""
        try:
            make_folder(Path(SIZES), _SHARED)
        except OSError:
            return False
        return True

    def line(self, at_ms: int, level: str, message: str, fields: str) -> None:
        """Append a line; the members of `fields`, a JSON object as text, follow the message."""
        head = f'{{"ts":"{to_iso(at_ms)}","level":"{level}","msg":{to_json(message)}'
        os.write(self._fd, f"{head},{fields[1:]}\n".encode())

    def close(self) -> None:
        os.close(self._fd)
