"""The agents' skill in a made-up home: what is written and linked, what is left alone, what is removed."""

import json
from pathlib import Path

import pytest

from one_trace.agents.clients import CLIENTS
from one_trace.agents.skill import FILE, MARKER, Skill, packaged

pytestmark = pytest.mark.unit
SKILL = Path(".agents", "skills", "one-trace")


def tree(root):
    """Everything below a folder: its kind and content."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(root))] = str(path.readlink())
        else:
            found[str(path.relative_to(root))] = path.read_bytes() if path.is_file() else None
    return found


@pytest.fixture
def home(tmp_path):
    for name in (".claude", ".codex", ".codeium/windsurf/skills/other", ".config/goose"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def skill_in(root, *, env=None, project=False):
    return Skill(root, env or {}, project=project)


def states(report):
    return {each.agent: each.state for each in report.agents}


def test_the_skill_is_written_beside_that_of_one_cli_and_linked_for_agents_that_do_not_read_it_there(home):
    report = skill_in(home).install([])
    assert report.skill.state == "installed"
    assert (home / SKILL / FILE).read_bytes() == packaged()
    assert states(report) == {
        "claude-code": "linked", "codex": "reads", "windsurf": "linked", "goose": "linked"
    }  # fmt: skip
    link = home / ".claude/skills/one-trace"
    assert str(link.readlink()) == "../../.agents/skills/one-trace"
    assert (link / FILE).read_bytes() == packaged()
    assert set(report.not_found) == {client.name for client in CLIENTS} - set(states(report))


def test_a_second_time_nothing_changes_and_remove_leaves_what_was_there_before(home):
    before = tree(home)
    skill_in(home).install([])
    installed = tree(home)
    again = skill_in(home).install([])
    assert again.skill.state == "unchanged"
    assert set(states(again).values()) == {"unchanged", "reads"}
    assert tree(home) == installed
    assert skill_in(home).remove([]).skill.state == "removed"
    assert tree(home) == before
    assert skill_in(home).remove([]).skill.state == "absent"


def test_an_agent_that_is_named_gets_its_link_though_it_was_not_found_and_it_alone_can_be_removed(home):
    before = tree(home)
    skill_in(home).install(["kiro", "claude-code"])
    report = skill_in(home).remove(["claude-code"])
    assert states(report) == {"claude-code": "removed"}
    assert not (home / ".claude/skills").exists()
    assert (home / ".kiro/skills/one-trace" / FILE).is_file()
    skill_in(home).remove([])
    assert tree(home) == before


def test_variables_move_the_folders_of_agents(home, tmp_path):
    env = {"CLAUDE_CONFIG_DIR": str(home / "c"), "XDG_CONFIG_HOME": str(home / "x"), "CODEX_HOME": "relative"}
    (home / "c").mkdir()
    (home / "x/goose").mkdir(parents=True)
    report = skill_in(home, env=env).install([])
    assert (home / "c/skills/one-trace" / FILE).is_file()
    assert (home / "x/goose/skills/one-trace" / FILE).is_file()
    assert not (home / ".claude/skills").exists()
    assert states(report)["codex"] == "reads"


def test_a_skill_of_another_version_is_replaced(home):
    skill_in(home).install([])
    file, marker = home / SKILL / FILE, home / SKILL / MARKER
    file.unlink()
    assert skill_in(home).find().state == "stale"
    skill_in(home).install([])
    written = json.loads(marker.read_text()) | {"version": "0.0.1"}
    marker.write_text(json.dumps(written))
    assert (skill_in(home).find().state, skill_in(home).find().version) == ("stale", "0.0.1")
    assert skill_in(home).install([]).skill.state == "updated"
    assert skill_in(home).find().state == "current"


def test_other_files_in_its_folder_stay(home):
    skill_in(home).install([])
    (home / SKILL / "notes.md").write_text("mine")
    report = skill_in(home).remove([])
    assert (report.skill.state, [*(home / SKILL).iterdir()]) == ("removed", [home / SKILL / "notes.md"])
    assert "other files" in report.skill.note


def changed_file(home):
    skill_in(home).install([])
    (home / SKILL / FILE).write_text("mine")


def replaced_by_a_link(home):
    skill_in(home).install([])
    (home / "mine.md").write_bytes(packaged())
    (home / SKILL / FILE).unlink()
    (home / SKILL / FILE).symlink_to(home / "mine.md")


def foreign_folder(home):
    (home / SKILL).mkdir(parents=True)
    (home / SKILL / FILE).write_text("theirs")


def damaged_marker(home):
    foreign_folder(home)
    (home / SKILL / MARKER).write_text('{"version": ' + "[" * 50_000)


def foreign_link(home):
    (home / "elsewhere").mkdir()
    (home / SKILL).parent.mkdir(parents=True)
    (home / SKILL).symlink_to(home / "elsewhere")


def plain_file(home):
    (home / SKILL).parent.mkdir(parents=True)
    (home / SKILL).write_text("theirs")


LEFT = [changed_file, replaced_by_a_link, foreign_folder, damaged_marker, foreign_link, plain_file]


@pytest.mark.parametrize("make", LEFT, ids=lambda make: make.__name__)
def test_what_one_trace_did_not_write_is_left_and_reported(home, make):
    make(home)
    before = tree(home / ".agents")
    for act in (skill_in(home).install, skill_in(home).remove):
        report = act([])
        assert report.skill.state == "kept"
        assert report.skill.note.endswith("left as it is")
        assert tree(home / ".agents") == before


def folder(link):
    link.mkdir(parents=True)


def elsewhere(link):
    link.parent.mkdir(parents=True)
    link.symlink_to("/nosuch")


@pytest.mark.parametrize("make", [folder, elsewhere], ids=lambda make: make.__name__)
def test_a_folder_or_link_in_place_of_the_link_is_left(home, make):
    make(home / ".claude/skills/one-trace")
    before = tree(home / ".claude")
    assert states(skill_in(home).install([]))["claude-code"] == "kept"
    assert states(skill_in(home).remove([]))["claude-code"] == "kept"
    assert tree(home / ".claude") == before


def test_a_link_is_not_made_to_a_skill_of_somebody_else(home):
    foreign_folder(home)
    assert states(skill_in(home).install([]))["claude-code"] == "skipped"
    assert not (home / ".claude/skills").exists()


def test_folders_that_are_linked_elsewhere_work(home):
    for name in (".agents", ".claude"):
        (home / "dotfiles" / name).mkdir(parents=True)
    (home / ".agents").symlink_to("dotfiles/.agents")
    (home / ".claude").rmdir()
    (home / ".claude").symlink_to(home / "dotfiles/.claude")
    before = tree(home)
    assert states(skill_in(home).install([]))["claude-code"] == "linked"
    assert (home / ".claude/skills/one-trace" / FILE).is_file()
    assert states(skill_in(home).install([]))["claude-code"] == "unchanged"
    skill_in(home).remove([])
    assert tree(home) == before


def test_in_a_project_it_is_linked_where_the_project_is_set_up_for_an_agent(tmp_path):
    (tmp_path / ".claude").mkdir()
    report = skill_in(tmp_path, project=True).install([])
    assert (tmp_path / ".claude/skills/one-trace" / FILE).is_file()
    assert states(report)["claude-code"] == "linked"
    assert states(report)["goose"] == "reads"
    assert report.not_found == ["windsurf", "kiro", "roo"]
    skill_in(tmp_path, project=True).remove([])
    assert tree(tmp_path) == {".claude": None}


def test_a_link_of_a_project_that_leads_out_of_it_is_not_followed(tmp_path):
    outside, project = tmp_path / "outside", tmp_path / "project"
    (outside / "skills").mkdir(parents=True)
    project.mkdir()
    (project / ".agents").symlink_to(outside)
    (project / ".claude").symlink_to(outside)
    report = skill_in(project, project=True).install([])
    assert report.skill.state == "failed"
    assert states(report)["claude-code"] == "skipped"
    assert tree(outside) == {"skills": None}


def test_a_marker_of_a_stranger_removes_no_folder_that_was_not_made_for_the_skill(tmp_path):
    (tmp_path / "empty").mkdir()
    skill = skill_in(tmp_path, project=True)
    skill.install([])
    marker = tmp_path / SKILL / MARKER
    folders = ["empty", str(tmp_path / "empty"), "..", "/", "", ".agents"]
    marker.write_text(json.dumps(json.loads(marker.read_text()) | {"folders": folders}))
    skill.remove([])
    assert (tmp_path / "empty").is_dir()


def test_the_text_of_the_skill():
    text = packaged().decode()
    head, _, body = text.removeprefix("---\n").partition("\n---\n")
    assert len(text) <= 2_400
    assert head.startswith("name: one-trace\ndescription: >-\n")
    description = " ".join(head.split("description: >-\n")[1].split())
    assert len(description) <= 1_024
    assert "TRIGGER after" in description
    assert "DO NOT TRIGGER" in description
    assert "ignore this skill" in body
    assert "Exit codes: 0 done" in body
