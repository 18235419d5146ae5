"""The sessions of coding agents that start flows: how one is resumed, and what it started."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from one_trace.model.trace import Session

_RESUME = {
    "claude-code": "claude --resume {}",
    "codex": "codex resume {}",
    "cursor": "cursor-agent --resume {}",
    "opencode": "opencode --session {}",
    "gemini-cli": "gemini --resume {}",
    "copilot": "copilot --resume={}",
    "amp": "amp threads continue {}",
    "pi": "pi --session {}",
}
"""By the agent's name, as traces.com's client and `capture.lineage` have it: its own documented command."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
"""An id that no shell changes, and that is no option."""


def resume_command(session: Session | None) -> str | None:
    """The command that resumes a session; None if the agent or the session is not known."""
    if session is None or session.session_id is None or not _ID.fullmatch(session.session_id):
        return None
    template = _RESUME.get(session.agent or "")
    return None if template is None else template.format(session.session_id)


class SessionRuns(Struct, rename="camel", kw_only=True):
    """The runs that one session of an agent started, or an agent that does not tell its sessions, or nobody
    that is known. `failed`: those that failed or never ended."""

    agent: str | None = None
    session_id: str | None = None
    resume: str | None = None
    """The command that resumes the session."""
    runs: int
    failed: int
    flows: list[str]
    first_run_at: str
    last_run_at: str
    cost_usd: float | None = None


def session_runs(
    agent: str | None,
    session_id: str | None,
    runs: int,
    failed: int,
    flows: Iterable[str],
    first_run_at: str,
    last_run_at: str,
    cost_usd: float | None,
) -> SessionRuns:
    return SessionRuns(
        agent=agent,
        session_id=session_id,
        resume=resume_command(Session(agent=agent, session_id=session_id)),
        runs=runs,
        failed=failed,
        flows=sorted(flows),
        first_run_at=first_run_at,
        last_run_at=last_run_at,
        cost_usd=cost_usd,
    )
