"""Our own folders: private whatever the umask, and none for a user without a home folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

KEY = "trk_0123456789abcdef"
NOBODY = "import pwd\n\n\ndef getpwuid(uid):\n    raise KeyError(uid)\n\n\npwd.getpwuid = getpwuid\n"
"""A system that has no entry of this user's."""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def played(machine):
    machine.player("02-linear-unicode")
    return machine


@pytest.fixture
def homeless(played):
    played.write(played.root / "site" / "sitecustomize.py", NOBODY)
    played.env["PYTHONPATH"] = f"{played.root / 'site'}{os.pathsep}{played.env['PYTHONPATH']}"
    for name in ("HOME", "ONE_TRACES_DATA_DIR"):
        del played.env[name]
    return played


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).parts[0] for path in folder.rglob("*")}


# No home


@pytest.mark.parametrize(
    "env", [{}, {"HOME": ""}, {"HOME": "rel", "XDG_CONFIG_HOME": "rel", "XDG_DATA_HOME": "./rel"}]
)
def test_without_a_home_a_run_continues_and_one_line_says_why_it_is_not_traced(homeless, env):
    done = homeless.one("flow", "execute", "k", "--trace", env=env)
    assert done.code == 0
    (line,) = done.err.splitlines()
    assert b"HOME" in line
    assert names(homeless.project) == {".one"}
    assert homeless.one("flow", "execute", "k", env=env).err == b""


@pytest.mark.parametrize(
    "argv",
    [
        ("trace", "login"),
        ("trace", "logout"),
        ("trace", "list"),
        ("trace", "show"),
        ("trace", "stats"),
        ("trace", "sync"),
        ("trace", "open"),
        ("trace", "import"),
        ("config", "set", "traces.enabled", "true"),
    ],
)
def test_without_a_home_a_command_that_needs_a_folder_says_so_and_writes_nothing(homeless, argv):
    homeless.one("flow", "execute", "k")
    before = sorted(homeless.project.rglob("*"))
    done = homeless.one("--agent", *argv, input=KEY.encode())
    assert done.document["error"]["code"] == "no-home"
    assert "HOME" in done.document["error"]["hint"]
    assert sorted(homeless.project.rglob("*")) == before


def test_without_a_home_a_configured_folder_is_used(homeless):
    env = {"ONE_TRACES_DATA_DIR": str(homeless.data), "XDG_CONFIG_HOME": str(homeless.root / "config")}
    assert homeless.one("--agent", "flow", "execute", "k", "--trace", env=env).saved["spans"] == 3
    assert homeless.one("trace", "login", input=KEY.encode(), env=env).code == 0
    assert mode(homeless.root / "config" / "one-trace" / "credentials.toml") == 0o600


def test_a_tilde_without_a_home_is_not_a_folder_in_the_project(homeless):
    done = homeless.one("flow", "execute", "k", "--trace", env={"ONE_TRACES_DATA_DIR": "~/x"})
    assert done.code == 0
    assert b"traces.data_dir" in done.err
    assert names(homeless.project) == {".one"}
    assert not Path("/x").exists()


def test_the_doctor_says_that_there_is_no_home(homeless):
    checks = homeless.one("--agent", "trace", "doctor", "--offline").document["checks"]
    assert [check["state"] for check in checks if check["check"] == "settings"] == ["bad", "bad"]


# Modes


def test_our_folders_are_private_whatever_the_umask(played):
    del played.env["ONE_TRACES_DATA_DIR"]
    home = Path(played.env["HOME"])
    for argv in (
        ("flow", "execute", "k", "--trace"),
        ("config", "set", "traces.live", "true"),
        ("trace", "open"),
    ):
        assert played.one(*argv, umask=0).code == 0
    played.one("trace", "login", input=KEY.encode(), umask=0)
    for path in home.rglob("*"):
        if path.is_dir():
            ours = "one-trace" in path.relative_to(home).parts
            assert mode(path) in ((0o700,) if ours else (0o700, 0o755)), path
        else:
            assert mode(path) == 0o600, path


def test_an_existing_folder_is_left_alone(played):
    config = Path(played.env["HOME"]) / ".config"
    config.mkdir()
    config.chmod(0o777)
    played.one("trace", "login", input=KEY.encode(), umask=0)
    assert mode(config) == 0o777
    assert mode(config / "one-trace") == 0o700


def doctor(machine, *words):
    checks = machine.one("--agent", "trace", "doctor", "--offline", *words).document["checks"]
    return [(check["state"], check["fix"]) for check in checks if check["check"] == "folders"]


def test_doctor_names_folders_in_which_others_can_replace_our_files(played):
    played.one("trace", "login", input=KEY.encode())
    config = played.user_file.parent
    assert doctor(played) == []
    config.chmod(0o777)
    config.parent.chmod(0o777)
    played.data.chmod(0o770)
    assert sorted(doctor(played)) == sorted(
        [("bad", "one trace doctor --fix")] * 2 + [("bad", f"chmod go-w {config.parent}")]
    )
    doctor(played, "--fix")
    assert (mode(config), mode(played.data), mode(config.parent)) == (0o700, 0o700, 0o777)


# Drafts

SLOW = """
import os, signal, time
replace = os.replace
def slow(*args, **options):
    open({mark!r}, "w").close()
    time.sleep(60)
os.replace = os.rename = slow
"""


def kill_in_the_middle(machine, *argv: str, input: bytes = b"") -> None:
    """Kill a command when all is written, and nothing is in its place yet."""
    mark = machine.root / "mark"
    mark.unlink(missing_ok=True)
    machine.write(machine.root / "slow" / "sitecustomize.py", SLOW.format(mark=str(mark)))
    env = {"PYTHONPATH": f"{machine.root / 'slow'}{os.pathsep}{machine.env['PYTHONPATH']}"}
    process = machine.start(*argv, stdin=subprocess.PIPE, env=env, umask=0)
    process.stdin.write(input)
    process.stdin.close()
    until = time.monotonic() + 120
    while not mark.exists() and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    process.stderr.close()


@pytest.mark.parametrize(
    "then",
    [
        ("trace", "login"),
        ("trace", "logout"),
        ("trace", "doctor", "--offline"),
        ("trace", "sync"),
        ("flow", "execute", "k", "--trace"),
    ],
)
def test_drafts_of_a_killed_login_are_private_and_deleted_at_the_next_start(played, then):
    folder = played.user_file.parent
    kill_in_the_middle(played, "trace", "login", input=KEY.encode())
    (draft,) = folder.iterdir()
    assert mode(draft) == 0o600
    # What 0.1.0 left had another name; an editor's file is none of ours.
    (folder / ".credentials.toml.999999999").write_text(KEY)
    (folder / ".credentials.toml.swp").write_text("")
    played.one(*then, input=KEY.encode())
    left = {path.name for path in folder.iterdir()} - {"credentials.toml"}
    assert left == {".credentials.toml.swp"}


def test_drafts_of_a_killed_config_set_are_deleted_by_the_next(played):
    kill_in_the_middle(played, "config", "set", "traces.enabled", "true")
    (draft,) = played.user_file.parent.iterdir()
    assert mode(draft) == 0o600
    played.one("config", "set", "traces.enabled", "true")
    assert [path.name for path in played.user_file.parent.iterdir()] == ["config.toml"]


def test_links_in_a_project_are_not_written_through(played):
    victim = played.write(played.root / "victim.toml", "")
    (played.project / ".one").mkdir()
    (played.project / ".one" / "traces.toml").symlink_to(victim)
    assert played.one("config", "set", "traces.enabled", "true", "--project").code == 2
    assert victim.read_text() == ""


@pytest.mark.skipif(shutil.which("node") is None, reason="the built-in runner needs Node")
def test_others_cannot_write_to_the_built_in_runners_record_whatever_the_umask(machine):
    machine.env |= {
        "ONE_TRACE_HOST": "built-in",
        "PATH": f"{machine.env['PATH']}:{Path(shutil.which('node')).parent}",
    }
    flows = machine.project / ".one" / "flows"
    step = {"id": "a", "name": "A", "type": "transform", "transform": {"expression": "1"}}
    flow = {"key": "k", "name": "K", "version": "1", "inputs": {}, "steps": [step]}
    machine.write(flows / "k" / "flow.json", json.dumps(flow))
    assert machine.one("flow", "execute", "k", "--trace", umask=0).code == 0
    for folder in (".runs", ".logs", ".sizes"):
        assert mode(flows / folder) & 0o002 == 0
        assert {mode(path) for path in (flows / folder).iterdir()} == {0o600}
