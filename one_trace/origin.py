"""How a run is found by the token it carries, and which run and session started it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from one_trace.guard.text import valid

if TYPE_CHECKING:
    from one_trace.model import Session
    from one_trace.record import RunFiles

PARENT = "ONE_TRACE_PARENT"
"""For what a traced run starts: that run's id, or `TOKEN SECONDS FOLDER` by which to find it."""
SESSIONS = (
    ("TRACES_CURRENT_TRACE_ID", None),
    ("CLAUDE_CODE_SESSION_ID", "claude-code"),
    ("CODEX_THREAD_ID", "codex"),
)
"""Variables with a session's id, and whose it is; for the first, one of AGENTS says that."""
AGENTS = ("TRACES_CURRENT_AGENT", "TRACES_CURRENT_TRACE_AGENT")
"""The first is what the service's own client reads."""
_TRACEPARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?\Z"
)


def find_by_token(project: str, token: str, begun: float) -> RunFiles | None:
    """The run in `project` whose environment holds `token`, begun at `begun` (epoch seconds) or later."""
    from one_trace import record

    return record.find_by_token(Path(project), token, begun)


def find_by_id(project: str, run_id: str) -> RunFiles | None:
    """The run of this id in the folder `project`."""
    from one_trace.record import discover

    runs, _ = discover([Path(project)])
    return next((files for files in runs if files.run_id == run_id), None)


def session_of(env: Mapping[str, str]) -> Session | None:
    """The agent's session in which we were started."""
    from one_trace.model import Session

    for variable, agent in SESSIONS:
        if env.get(variable):
            named = next(filter(None, map(env.get, AGENTS)), None) if agent is None else agent
            return Session(agent=valid(named) if named else None, session_id=valid(env[variable]))
    return None


def traceparent_of(env: Mapping[str, str]) -> str | None:
    """The W3C trace context in which we were started, without what later versions may add.

    The variable itself goes on to the host untouched: our own trace id is made of the run's id and start,
    which the host has yet to choose, so a context of ours could not be told in time.
    """
    given = env.get("TRACEPARENT", "").strip()
    found = _TRACEPARENT.match(given)
    return given[:55] if found and (found[1] != "00" or not found[2]) else None


def parent_of(env: Mapping[str, str]) -> str | None:
    """The id of the traced run that started us. It is still going on: its record is asked, not the store."""
    token, _, rest = env.get(PARENT, "").partition(" ")
    begun, _, project = rest.partition(" ")
    if not project:
        return valid(token) or None
    files = find_by_token(project, token, float(begun) if begun.isdecimal() else 0.0)
    return files.run_id if files else None
