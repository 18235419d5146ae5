"""`trace list --by WHAT`: the sessions, hosts, repositories, ... of runs, not the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from one_trace.cli.out import Out

if TYPE_CHECKING:
    from one_trace.analyse.agent_sessions import SessionRuns
    from one_trace.history.protocol import History
    from one_trace.model.wanted import Wanted

SESSION = "session"
NONE = "No run has been traced yet.\n'one trace import' traces runs that have already happened."
_LINES = 50
"""Rows on a page for people, unless --limit says otherwise."""


def lines(speaker: Out) -> int | None:
    """How many rows a page for people has at most; None: any number."""
    limit = speaker.bounds.limit
    return _LINES if limit is None else limit or None


def check(by: str) -> None:
    """Raises WrongUsage."""
    if by != SESSION:
        from one_trace.analyse.run_groups import parse_by

        parse_by(by, SESSION)


def answer(speaker: Out, history: History, wanted: Wanted, by: str, filter: dict[str, Any]) -> None:
    if by == SESSION:
        _answer_by_session(speaker, history.sessions(wanted), filter)
        return
    from one_trace.analyse.run_groups import across_flows
    from one_trace.answers.groups import GroupList
    from one_trace.view.value_runs import render

    groups = across_flows(history.groups(wanted, by))
    document = GroupList(filter=filter, by=by, total=len(groups), groups=groups)
    shown = groups[: lines(speaker)]

    def page() -> str:
        return with_rest(render(shown, speaker.page), len(groups) - len(shown))

    speaker.answer(document, lambda: page() if groups else _nothing(filter))


def _answer_by_session(speaker: Out, sessions: list[SessionRuns], filter: dict[str, Any]) -> None:
    from one_trace.answers.runs import SessionList

    document = SessionList(filter=filter, total=len(sessions), sessions=sessions)
    speaker.answer(document, lambda: _session_page(speaker, sessions) if sessions else _nothing(filter))


def _session_page(speaker: Out, sessions: list[SessionRuns]) -> str:
    from one_trace.cli.session_titles import titles
    from one_trace.view.sessions import render

    shown = sessions[: lines(speaker)]
    # Titles are content: on a terminal a person reads them; a pipe may lead anywhere.
    known = titles((each.agent, each.session_id) for each in shown) if speaker.tty else {}
    return with_rest(render(shown, known, speaker.page), len(sessions) - len(shown))


def _nothing(filter: dict[str, Any]) -> str:
    return "No runs match." if filter else NONE


def with_rest(table: str, rest: int) -> str:
    """A page of rows, and how many are not on it."""
    return f"{table}\n{rest:,} more: --limit 0" if rest else table
