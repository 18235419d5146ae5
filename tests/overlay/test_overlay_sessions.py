"""`trace list --by session`: which session started which runs; titles on a terminal only."""

import json
import os
import pty
import time

import pytest

from one_trace.cli.session_titles import titles

RUN = ["--agent", "flow", "execute", "k", "--trace"]
SECRET = "Titles are content"


@pytest.fixture
def home(tmp_path):
    home = tmp_path / "home"
    claude = home / ".claude/projects/-home-me-app"
    claude.mkdir(parents=True)
    lines = [
        {"type": "summary", "summary": "old", "leafUuid": "u"},
        {"type": "user", "message": {"content": '"ai-title"'}},
        {"type": "ai-title", "aiTitle": "first", "sessionId": "s-1"},
        {"type": "ai-title", "aiTitle": SECRET, "sessionId": "s-1"},
    ]
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    long = text.replace("\n", "\n" + "x" * 100_000 + "\n", 1)
    (claude / "s-1.jsonl").write_text(long + '{"type":"custom-ti')
    (claude / "s-2.jsonl").write_text(text + '{"type":"custom-title","customTitle":"Mine"}\n')
    (claude / "s-3.jsonl").write_bytes(b'\xff"summary"{\n[' + b"[" * 100_000)
    os.mkfifo(claude / "s-4.jsonl")
    codex = home / ".codex"
    codex.mkdir()
    index = [{"id": "c-1", "thread_name": name, "updated_at": "t"} for name in ("a", "\x1b[2Jb")]
    (codex / "session_index.jsonl").write_text("".join(json.dumps(line) + "\n" for line in index))
    opencode = home / ".local/share/opencode/storage/session/p"
    opencode.mkdir(parents=True)
    (opencode / "ses_1.json").write_text(json.dumps({"id": "ses_1", "title": "Open"}))
    return home


def test_titles_are_read_from_the_agents_own_files(home):
    ids = ("s-1", "s-2", "s-3", "s-4", "s-5", "../s-1", None)
    asked = [*(("claude-code", id) for id in ids), ("codex", "c-1"), ("codex", "c-2"), ("opencode", "ses_1")]
    assert titles([*asked, ("cursor", "s-1"), (None, "s-1")], {"HOME": str(home)}) == {
        ("claude-code", "s-1"): SECRET,
        ("claude-code", "s-2"): "Mine",
        ("codex", "c-1"): "\x1b[2Jb",
        ("opencode", "ses_1"): "Open",
    }
    moved = {"HOME": "/nowhere", "CODEX_HOME": str(home / ".codex")}
    assert titles([("codex", "c-1"), ("claude-code", "s-1")], moved) == {("codex", "c-1"): "\x1b[2Jb"}


def on_terminal(machine, *argv):
    """What the program prints on a terminal."""
    ours, theirs = pty.openpty()
    process = machine.start(*argv, stdout=theirs, env={"COLUMNS": "160"})
    os.close(theirs)
    shown, until = b"", time.monotonic() + 120
    while time.monotonic() < until:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        shown += part
    os.close(ours)
    assert process.wait(120) == 0
    return shown.decode()


def test_runs_are_listed_by_session_with_titles_on_a_terminal_only(machine, home):
    machine.player("02-linear-unicode")
    machine.env["HOME"] = str(home)
    machine.env["CLAUDE_CODE_SESSION_ID"] = "s-1"
    machine.one(*RUN), machine.one(*RUN)
    machine.env |= {"CLAUDE_CODE_SESSION_ID": "", "CODEX_THREAD_ID": "c-1"}
    machine.one(*RUN)
    machine.env |= {"CODEX_THREAD_ID": "", "CURSOR_AGENT": "1"}
    machine.one(*RUN)
    done = machine.one("--agent", "trace", "list", "--by", "session")
    rows = [(row["agent"], row["sessionId"], row["runs"]) for row in done.document["sessions"]]
    assert rows == [("cursor", None, 1), ("codex", "c-1", 1), ("claude-code", "s-1", 2)]
    assert done.document["sessions"][2]["resume"] == "claude --resume s-1"
    piped = machine.one("trace", "list", "--by", "session")
    page = on_terminal(machine, "trace", "list", "--by", "session")
    assert SECRET in page
    assert "\\x1b[2Jb" in page
    assert "\x1b[2J" not in page
    assert "Resume: codex resume c-1" in page
    assert b"s-1" in piped.out
    whole = on_terminal(machine, "--agent", "trace", "list", "--by", "session")
    stored = [file.read_bytes() for file in machine.data.iterdir()]
    everything = [piped.out, done.out, whole.encode(), *stored]
    assert not any(SECRET.encode() in each for each in everything)
    only = machine.one("--agent", "trace", "list", "--by", "session", "--session", "s-1", "-n", "1").document
    assert (only["total"], only["filter"]) == (1, {"session": "s-1"})
