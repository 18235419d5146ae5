"""Which agent started a run where it does not tell its session, and how a session is resumed."""

import pytest

from one_trace.analyse.agent_sessions import resume_command
from one_trace.capture.lineage import MARKERS, session_of
from one_trace.model.trace import Session

AGENTS = [
    *(({variable: "1"}, agent) for variable, agent in MARKERS.items()),
    ({"AI_AGENT": "claude-code_2-1-263_agent"}, "claude-code"),
    ({"AI_AGENT": "Devin@1"}, "devin"),
    ({"AI_AGENT": "my-agent"}, "my-agent"),
    ({"AI_AGENT": "custom-agent@2.0", "CURSOR_AGENT": "1"}, "custom-agent"),
    ({"AI_AGENT": "1", "CURSOR_AGENT": "1"}, "cursor"),
    ({"AI_AGENT": "1"}, "unknown"),
    ({"AI_AGENT": "\x1b]0;x\x07"}, "unknown"),
    ({"AI_AGENT": "a" * 10_000}, "unknown"),
    ({"AGENT": "amp"}, "amp"),
    ({"AGENT": "smith"}, None),
    ({"AI_AGENT": "0", "CURSOR_AGENT": "false", "GEMINI_CLI": ""}, None),
    ({}, None),
]


@pytest.mark.parametrize(("env", "agent"), AGENTS)
def test_an_agent_without_a_session_id_is_known_by_its_variable(env, agent):
    assert session_of(env) == (None if agent is None else (agent, None))


def test_an_id_of_a_session_comes_first():
    assert session_of({"AI_AGENT": "claude-code_2-1-0_agent", "CODEX_THREAD_ID": "c"}) == ("codex", "c")


RESUMES = [
    (Session(agent="claude-code", session_id="s-1"), "claude --resume s-1"),
    (Session(agent="codex", session_id="0199"), "codex resume 0199"),
    (Session(agent="amp", session_id="T-1"), "amp threads continue T-1"),
    (Session(agent="codex", session_id="$(touch x)"), None),
    (Session(agent="codex", session_id="--yolo"), None),
    (Session(agent="codex", session_id="a\nb"), None),
    (Session(agent="cursor"), None),
    (Session(agent="nobody", session_id="s-1"), None),
    (Session(session_id="s-1"), None),
    (None, None),
]


@pytest.mark.parametrize(("session", "command"), RESUMES)
def test_a_session_is_resumed_by_its_agents_own_command(session, command):
    assert resume_command(session) == command
