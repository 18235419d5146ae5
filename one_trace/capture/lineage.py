"""Where a run comes from: which run and which session started it, in which trace context."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from one_trace.host.via import Via, identity, is_alive, run_marks, runs_within

PARENT = "ONE_TRACE_PARENT"
"""For what a traced run starts: `WORD PROCESS FOLDER`, the run's id or the token by which to find it, the
process that traces it, and the project."""
SESSIONS = (
    ("TRACES_CURRENT_TRACE_ID", None),
    ("CLAUDE_CODE_SESSION_ID", "claude-code"),
    ("CODEX_THREAD_ID", "codex"),
)
"""Variables with a session's id, and whose it is; for the first, one of AGENTS says that."""
AGENTS = ("TRACES_CURRENT_AGENT", "TRACES_CURRENT_TRACE_AGENT")
"""The first is what the service's own client reads."""
_RUN_ID = 12
"""Characters of a run's id; a token has more."""
_TRACEPARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?\Z"
)


class Parent(NamedTuple):
    """The run that started ours, and when it began."""

    run_id: str
    started_at: str


class Origin(NamedTuple):
    """Where a run comes from. `session`: the agent and its session's id. `resumed`: an old run goes on;
    whoever does that is not who started it.
    """

    session: tuple[str | None, str] | None = None
    parent: Parent | None = None
    traceparent: str | None = None
    resumed: bool = False


def origin_of(env: Mapping[str, str], *, resumed: bool) -> Origin:
    """To be asked when the run begins: only then is it known whether the parent is still going on."""
    return early(env, resumed=resumed)._replace(parent=parent_of(env))


def early(env: Mapping[str, str], *, resumed: bool) -> Origin:
    """What can be told of it at no cost."""
    return Origin(session_of(env), None, traceparent_of(env), resumed)


def parent_mark(word: str, project: str) -> str:
    """The value of PARENT for what our run starts."""
    return f"{word} {identity()} {project}"


def session_of(env: Mapping[str, str]) -> tuple[str | None, str] | None:
    """The agent in whose session we were started, if it is known, and the session's id."""
    for variable, agent in SESSIONS:
        if env.get(variable):
            named = next(filter(None, map(env.get, AGENTS)), None) if agent is None else agent
            return named or None, env[variable]
    return None


def traceparent_of(env: Mapping[str, str]) -> str | None:
    """The W3C trace context in which we were started, without what later versions may add.

    The variable itself goes on to the host untouched: our own trace id is made of the run's id and start,
    which the host has yet to choose, so a context of ours could not be told in time.
    """
    given = env.get("TRACEPARENT", "").strip()
    found = _TRACEPARENT.match(given)
    return given[:55] if found and (found[1] != "00" or not found[2]) else None


def parent_of(env: Mapping[str, str]) -> Parent | None:
    """The traced run that started us, where it is still going on. Its record is asked, not the store."""
    word, _, rest = env.get(PARENT, "").partition(" ")
    process, _, project = rest.partition(" ")
    if not project or not is_alive(process):
        return None
    from one_trace.record import search

    # The folder may have another name by now: the process is still in it.
    for folder in (Path(project), Path(f"/proc/{process.partition('.')[0]}/cwd")):
        if len(word) == _RUN_ID:
            files, within = search.find_by_id(folder, word), runs_within(process)
        else:
            files, within = (
                search.find_by_token(folder, search.Wanted(run_marks(word))),
                Via(env).last is not None,
            )
        begun = search.started(files, unless_ended=not within) if files is not None else None
        if files is not None and begun is not None:
            return Parent(files.run_id, begun)
    return None
