"""Where a run comes from: the run and the agent session that started it, and its trace context."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from one_trace.capture.call import PARENT
from one_trace.host.via import Via, is_alive, run_marks, runs_within
from one_trace.model.tags import collect
from one_trace.settings.sources import TAGS

SESSIONS = (
    ("TRACES_CURRENT_TRACE_ID", None),
    ("CLAUDE_CODE_SESSION_ID", "claude-code"),
    ("CODEX_THREAD_ID", "codex"),
    ("AMP_CURRENT_THREAD_ID", "amp"),  # ampcode.com: set in its shell tool
)
"""Variables with the id of a session, and its agent; for the first, AGENTS name it."""
AGENTS = ("TRACES_CURRENT_AGENT", "TRACES_CURRENT_TRACE_AGENT")
"""The first is what traces.com's own client reads."""
NAMED_AGENTS = ("AI_AGENT", "AGENT")
"""Variables whose value is the name of the agent, and perhaps its version: github.com/vercel/detect-agent
proposes the first (Claude Code sets ``claude-code_2-1-263_agent``); Amp, Goose, Crush and OpenCode set the
second, which others use for other things."""
MARKERS = {
    "CLAUDECODE": "claude-code",  # code.claude.com/docs/en/env-vars
    "CODEX_CI": "codex",  # github.com/openai/codex: its unified exec tool
    "CODEX_SANDBOX": "codex",  # github.com/openai/codex, AGENTS.md
    "CURSOR_AGENT": "cursor",  # github.com/vercel/detect-agent
    "GEMINI_CLI": "gemini-cli",  # github.com/google-gemini/gemini-cli, docs/tools/shell.md
    "OPENCODE": "opencode",  # github.com/anomalyco/opencode, src/index.ts
    "COPILOT_CLI": "copilot",  # github.com/github/copilot-cli, changelog.md
    "COPILOT_AGENT": "copilot",  # github.com/microsoft/vscode/pull/316267
    "CLINE_ACTIVE": "cline",  # github.com/cline/cline
    "AUGMENT_AGENT": "augment",  # docs.augmentcode.com/cli/reference
    "QWEN_CODE": "qwen-code",  # github.com/QwenLM/qwen-code
    "ANTIGRAVITY_AGENT": "antigravity",  # github.com/vercel/detect-agent
    "GOOSE_TERMINAL": "goose",  # github.com/block/goose
}
"""Variables that an agent sets in what it starts, without the id of a session."""
_SHARED = frozenset(("amp", "crush", "goose", "opencode"))
"""The agents that are known to set ``AGENT``."""
_UNSET = frozenset(("", "0", "false"))
_AGENT_NAME = re.compile(r"([A-Za-z][A-Za-z0-9.-]{0,63}?)(?:[@_/: ]v?[0-9].*)?\Z")
_UNKNOWN = "unknown"
"""An agent that says only that it is one: ``AI_AGENT=1``."""
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
    """Where a run comes from. `session`: the agent and the id of its session, one of which may be unknown.
    `resumed`: whoever resumes a run did not start it.
    """

    session: tuple[str | None, str | None] | None = None
    parent: Parent | None = None
    traceparent: str | None = None
    resumed: bool = False
    tags: tuple[tuple[str, str], ...] = ()


def origin_without_parent(env: Mapping[str, str], *, resumed: bool) -> Origin:
    """What needs no file to be read."""
    return Origin(session_of(env), None, traceparent_of(env), resumed)


def tags_of(env: Mapping[str, str], typed: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The tags of a run: those of the environment, then those of the command line. And for each that is not
    used, why.
    """
    listed = filter(str.strip, env.get(TAGS, "").split(","))
    return collect([*listed, *typed])


def session_of(env: Mapping[str, str]) -> tuple[str | None, str | None] | None:
    """The agent (if known) and the id of the session in which we were started (if the agent tells it)."""
    for variable, agent in SESSIONS:
        if env.get(variable):
            named = next(filter(None, map(env.get, AGENTS)), None) if agent is None else agent
            return named or None, env[variable]
    name = agent_of(env)
    return None if name is None else (name, None)


def agent_of(env: Mapping[str, str]) -> str | None:
    """The agent that started us without the id of a session; None if no agent did."""
    named, shared = (env.get(variable, "").strip() for variable in NAMED_AGENTS)
    found = _AGENT_NAME.match(named)
    if found and found[1].lower() not in ("true", "false"):
        return found[1].lower()
    for variable, agent in MARKERS.items():
        if env.get(variable, "").strip().lower() not in _UNSET:
            return agent
    if shared.lower() in _SHARED:
        return shared.lower()
    return None if named.lower() in _UNSET else _UNKNOWN


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
