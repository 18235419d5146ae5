"""Where a run comes from: the run and the agent session that started it, and its trace context."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from one_trace.capture.call import PARENT
from one_trace.host.via import Via, is_alive, run_marks, runs_within

SESSIONS = (
    ("TRACES_CURRENT_TRACE_ID", None),
    ("CLAUDE_CODE_SESSION_ID", "claude-code"),
    ("CODEX_THREAD_ID", "codex"),
)
"""Variables with the id of a session, and its agent; for the first, AGENTS name it."""
AGENTS = ("TRACES_CURRENT_AGENT", "TRACES_CURRENT_TRACE_AGENT")
"""The first is what traces.com's own client reads."""
_RUN_ID_LENGTH = 12
"""Tokens are longer."""
_TRACEPARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?\Z"
)


class Parent(NamedTuple):
    """The run that started ours, and when it began."""

    run_id: str
    started_at: str


class Origin(NamedTuple):
    """Where a run comes from. `session`: the agent and the id of its session. `resumed`: whoever resumes a
    run did not start it.
    """

    session: tuple[str | None, str] | None = None
    parent: Parent | None = None
    traceparent: str | None = None
    resumed: bool = False


def origin_of(env: Mapping[str, str], *, resumed: bool) -> Origin:
    """To be called when the run begins: only then is it known whether the parent is still running."""
    return origin_without_parent(env, resumed=resumed)._replace(parent=parent_of(env))


def origin_without_parent(env: Mapping[str, str], *, resumed: bool) -> Origin:
    """What needs no file to be read."""
    return Origin(session_of(env), None, traceparent_of(env), resumed)


def session_of(env: Mapping[str, str]) -> tuple[str | None, str] | None:
    """The agent (if known) and the id of the session in which we were started."""
    for variable, agent in SESSIONS:
        if env.get(variable):
            named = next(filter(None, map(env.get, AGENTS)), None) if agent is None else agent
            return named or None, env[variable]
    return None


def traceparent_of(env: Mapping[str, str]) -> str | None:
    """The W3C trace context in which we were started, without the fields of later versions.

    The host inherits the variable unchanged: our trace id derives from the run's id and start, which the host
    has not chosen yet.
    """
    given = env.get("TRACEPARENT", "").strip()
    found = _TRACEPARENT.match(given)
    return given[:55] if found and (found[1] != "00" or not found[2]) else None


def parent_of(env: Mapping[str, str]) -> Parent | None:
    """The traced run that started us, if it is still running according to its record."""
    token, _, rest = env.get(PARENT, "").partition(" ")
    process, _, project = rest.partition(" ")
    if not project or not is_alive(process):
        return None
    from one_trace.record import search

    # The folder may have been renamed: it is still the working directory of the process.
    for folder in (Path(project), Path(f"/proc/{process.partition('.')[0]}/cwd")):
        if len(token) == _RUN_ID_LENGTH:
            files, within = search.find_by_id(folder, token), runs_within(process)
        else:
            files = search.find_by_token(folder, search.Wanted(run_marks(token)))
            within = Via(env).last is not None
        started_at = search.started(files, unless_ended=not within) if files is not None else None
        if files is not None and started_at is not None:
            return Parent(files.run_id, started_at)
    return None
