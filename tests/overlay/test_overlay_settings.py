"""Settings: sources and precedence, what a project may set, and that no problem stops a run."""

import os
import stat
import sys
from pathlib import Path

import platformdirs
import pytest

from one_trace.settings import credentials, keys, paths, sources


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a home, and `say(source, text)` to put settings there."""
    project = tmp_path / "work" / "deep"
    project.mkdir(parents=True)
    monkeypatch.chdir(project)
    env = {"HOME": str(tmp_path / "home")}

    def say(source, text):
        if source == "environment":
            env.update(line.split("=", 1) for line in text.split("\n"))
            return
        path = Path(paths.user_file(env)) if source == "user" else tmp_path / "work/.one/traces.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    say.env = env
    return say


def value_and_source(here, name):
    loaded = sources.load(env=here.env)
    return getattr(loaded, name), loaded.sources[name]


LAYERS = [
    ("user", '[traces]\nvisibility = "direct"\nflush_timeout = 1'),
    ("project", '[traces]\nvisibility = "private"'),
    ("environment", "ONE_TRACES_VISIBILITY=public"),
]


def test_each_source_wins_over_those_before(here):
    assert value_and_source(here, "visibility") == ("private", "default")
    for (source, text), value in zip(LAYERS, ("direct", "private", "public"), strict=True):
        here(source, text)
        assert value_and_source(here, "visibility") == (value, source)
    assert value_and_source(here, "flush_timeout") == (1.0, "user")


def test_the_project_file_is_found_upwards_and_from_a_given_folder(here, tmp_path):
    here("project", "[traces]\nenabled = true")
    assert sources.load(env=here.env).enabled is True
    assert sources.load(tmp_path, here.env).enabled is False


FORBIDDEN = [(key.name, "x") for key in keys.KEYS if not key.project] + [
    ("visibility", "public"),
    ("nonsense", "x"),
]


@pytest.mark.parametrize(("name", "value"), FORBIDDEN)
def test_a_project_may_not_set_it_and_the_error_names_it(here, name, value):
    here("project", f'[traces]\nenabled = true\n{name} = "{value}"')
    loaded = sources.load(env=here.env)
    assert loaded.sources[name] == "default" if name in keys.BY_NAME else True
    assert loaded.enabled is False, "nothing in such a file is used"
    (problem,) = loaded.problems
    assert f"traces.{name}" in problem.message
    assert problem.keys == {key.name for key in keys.KEYS if key.project}, "what the file said is in doubt"


def test_a_project_may_set_exactly_the_keys_of_the_contract():
    assert [key.name for key in keys.KEYS if key.project] == [
        "enabled",
        "namespace",
        "visibility",
        "upload",
        "flush_timeout",
    ]


HOSTILE = [
    b"\xff\xfe",
    b"[traces",
    b"traces = 1",
    b"enabled = true",
    b"[traces]\nenabled = [" + b"[" * 5000,
    b"\0",
]


@pytest.mark.parametrize("data", HOSTILE)
def test_an_invalid_settings_file_is_reported_and_ignored(here, data):
    here("user", "")
    Path(paths.user_file(here.env)).write_bytes(data)
    loaded = sources.load(env=here.env)
    assert (loaded.enabled, len(loaded.problems)) == (False, 1)
    assert paths.user_file(here.env) in loaded.problems[0].message


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere platformdirs itself is asked")
@pytest.mark.parametrize("env", [{}, {"XDG_CONFIG_HOME": "/x/config", "XDG_DATA_HOME": "/x/data"}])
def test_our_folders_are_those_of_platformdirs(monkeypatch, env):
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert paths.config_dir(os.environ) == platformdirs.user_config_dir("one-trace", appauthor=False)
    assert paths.data_dir(os.environ) == platformdirs.user_data_dir("one-trace", appauthor=False)


def test_the_key_comes_from_the_environment_else_from_login(here):
    assert credentials.api_key(here.env) is None
    kept = credentials.credentials_path(here.env)
    kept.parent.mkdir(parents=True)
    kept.write_text('api_key = "kept"\n')
    assert credentials.api_key(here.env) == "kept"
    assert credentials.api_key({**here.env, "TRACES_API_KEY": " given "}) == "given"
    kept.write_text("not toml")
    assert credentials.api_key(here.env) is None


# config set, get, unset, list


def test_set_get_unset_list(machine):
    assert machine.one("config", "get", "traces.enabled").out == b"false\n"
    assert machine.one("config", "set", "traces.enabled", "yes").code == 0
    assert machine.one("config", "get", "traces.enabled").out == b"true\n"
    assert machine.one("config", "set", "traces.sinks", "otlp,traces.com").code == 0
    listed = machine.one("--agent", "config", "list").document
    rows = {row["key"]: (row["value"], row["source"]) for row in listed["settings"]}
    assert rows["traces.enabled"] == (True, "user")
    assert rows["traces.sinks"] == (["otlp", "traces.com"], "user")
    assert rows["traces.data_dir"] == (str(machine.data), "environment")
    assert rows["traces.upload"] == ("auto", "default")
    assert machine.one("config", "unset", "traces.enabled").code == 0
    assert machine.one("--agent", "config", "get", "traces.enabled").document == {
        "schema": "one-trace-setting/1",
        "key": "traces.enabled",
        "value": False,
        "source": "default",
    }


def test_config_set_keeps_comments_and_order_and_makes_the_file_private(machine):
    before = "# mine\n[traces]\nupload = 'manual' # slow line\n\n# last\nerrors = 'full'\n"
    machine.write(machine.user_file, before)
    machine.one("config", "set", "traces.upload", "auto")
    machine.one("config", "set", "traces.enabled", "true")
    after = machine.user_file.read_text()
    assert [line for line in after.split("\n") if "#" in line] == [
        "# mine",
        'upload = "auto" # slow line',
        "# last",
    ]
    assert after.index("upload") < after.index("errors") < after.index("enabled")
    assert stat.S_IMODE(machine.user_file.stat().st_mode) == 0o600
    assert [path.name for path in machine.user_file.parent.iterdir()] == ["config.toml"]


def test_a_new_settings_folder_is_private(machine):
    machine.one("config", "set", "traces.enabled", "true")
    assert stat.S_IMODE(machine.user_file.parent.stat().st_mode) == 0o700


def test_a_linked_file_stays_a_link(machine):
    real = machine.write(machine.root / "dotfiles" / "traces.toml", "")
    machine.user_file.parent.mkdir(parents=True)
    machine.user_file.symlink_to(real)
    machine.one("config", "set", "traces.enabled", "true")
    assert machine.user_file.is_symlink()
    assert "enabled" in real.read_text()


def test_project_writes_the_projects_file(machine):
    done = machine.one("--agent", "config", "set", "traces.enabled", "true", "--project")
    assert done.document["file"] == str(machine.project / ".one" / "traces.toml")
    assert machine.one("config", "get", "traces.enabled").out == b"true\n"
    refused = machine.one("config", "set", "traces.endpoint", "https://x.example", "--project")
    assert (refused.code, b"may not set traces.endpoint" in refused.err) == (2, True)


@pytest.mark.parametrize(
    ("argv", "code", "near"),
    [
        (["set", "traces.enabeld", "true"], "unknown-key", "traces.enabled"),
        (["get", "enabled"], "unknown-key", "traces.enabled"),
        (["unset", "namespaces"], "unknown-key", "traces.namespace"),
        (["set", "trace", "on"], "unknown-key", "traces."),
        (["set", "traces.enabled", "perhaps"], "bad-value", ""),
        (["set"], "wrong-usage", ""),
    ],
)
def test_errors_name_the_closest_key(machine, argv, code, near):
    done = machine.one("--agent", "config", *argv)
    error = done.document["error"]
    assert (done.code, error["code"]) == (2, code)
    assert near in (error["hint"] or "")
    assert not machine.user_file.exists()


def test_a_broken_file_is_not_overwritten(machine):
    machine.write(machine.user_file, "[traces\n")
    done = machine.one("config", "set", "traces.enabled", "true")
    assert (done.code, machine.user_file.read_text()) == (2, "[traces\n")


@pytest.mark.parametrize("text", ["[traces\n", "[traces]\nenabled = 7\n", "[traces]\nenabeld = true\n"])
def test_bad_settings_never_stop_a_run(machine, text):
    machine.host("print('ran')")
    machine.write(machine.user_file, text)
    done = machine.one("flow", "execute", "k")
    assert (done.code, done.out, done.err.count(b"\n")) == (0, b"ran\n", 1)
