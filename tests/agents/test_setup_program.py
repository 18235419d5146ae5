"""`one trace setup agents` as it is typed."""

import re
import shutil

import pytest

from one_trace.agents.skill import packaged

pytestmark = pytest.mark.program


@pytest.mark.parametrize(
    ("argv", "agents"),
    [
        (["--agent", "trace", "setup", "agents"], ["claude-code"]),
        (["trace", "setup", "agents", "--agent"], ["claude-code"]),
        (["trace", "--agent", "setup", "--agent", "agents"], ["claude-code"]),
        (["--agent", "trace", "setup", "agents", "--agent", "kiro", "--agent", "amp"], ["amp", "kiro"]),
        (["trace", "setup", "agents", "--agent=kiro", "--agent"], ["kiro"]),
        (["trace", "setup", "--agent", "kiro", "agents", "--agent", "--remove"], ["kiro"]),
    ],
    ids=" ".join,
)
def test_agent_with_a_name_chooses_an_agent_and_without_one_asks_for_the_document(machine, argv, agents):
    (machine.root / "home" / ".claude").mkdir()
    done = machine.one(*argv)
    assert (done.code, done.err) == (0, b"")
    assert [each["agent"] for each in done.document["agents"]] == agents


def test_people_read_what_was_done_and_the_commands_for_mcp(machine):
    home = machine.root / "home"
    (home / ".claude").mkdir()
    done = machine.one("trace", "setup", "agents")
    assert (done.code, done.err) == (0, b"")
    assert b"claude mcp add --scope user one-trace -- one-trace trace mcp\n" in done.out
    assert (home / ".claude/skills/one-trace/SKILL.md").is_file()
    assert sorted(path.name for path in home.iterdir()) == [".agents", ".claude"]
    removed = machine.one("trace", "setup", "agents", "--remove")
    assert (removed.code, list(home.rglob("one-trace"))) == (0, [])


def test_what_cannot_be_done_is_said_without_a_traceback(machine):
    home = machine.root / "home"
    wrong = machine.one("--agent", "trace", "setup", "agents", "--agent", "nosuch")
    assert (wrong.code, wrong.document["error"]["code"]) == (2, "wrong-usage")
    (home / ".agents").write_text("a file")
    failed = machine.one("--agent", "trace", "setup", "agents")
    assert (failed.code, failed.document["skill"]["state"]) == (1, "failed")
    (home / ".agents").unlink()
    skill = home / ".agents/skills/one-trace/SKILL.md"
    machine.write(skill, "theirs")
    kept = machine.one("trace", "setup", "agents")
    assert (kept.code, skill.read_text()) == (1, "theirs")
    assert b"did not write: left as it is" in kept.out


def test_doctor_says_when_the_skill_is_missing_and_when_it_is_stale(machine):
    def check():
        checks = machine.one("--agent", "trace", "doctor", "--offline").document["checks"]
        return next(each for each in checks if each["check"] == "skill")

    assert (check()["state"], check()["fix"]) == ("note", "one trace setup agents")
    machine.one("trace", "setup", "agents")
    assert check()["state"] == "ok"
    folder = machine.root / "home/.agents/skills/one-trace"
    marker = folder / ".one-trace.json"
    marker.write_text(marker.read_text().replace('"version": "', '"version": "0.0.0-'))
    stale = check()
    assert (stale["state"], stale["fix"]) == ("note", "one trace setup agents")
    assert "0.0.0-" in stale["message"]
    shutil.rmtree(folder)


def test_each_command_of_the_skill_answers_within_the_size_that_it_names(machine):
    rows = re.findall(
        r"^\| [^|]+ \| `(.+?)`.*? \| (?:[\d,]+-)?([\d,]+)(?: a run)? \|$", packaged().decode(), re.M
    )
    assert len(rows) == 9
    machine.player("97b-realistic-fails", exit=1)
    machine.one("--agent", "flow", "execute", "k", "--trace")
    machine.one("--agent", "flow", "execute", "k", "--trace")
    run = machine.one("--agent", "trace", "show", "last", "--failed").document
    names = {"RUN": "last", "KEY": run["run"]["flowKey"], "PATH": run["cause"]["path"]}
    for command, most in rows:
        words = [names.get(word, word.replace("KEY", names["KEY"])) for word in command.split()]
        done = machine.one("--agent", "trace", *words)
        assert done.code == 0, (words, done.out)
        assert len(done.out) <= int(most.replace(",", "")) * (20 if "-n" in words else 1), words
