"""The settings are one system: the fast path and the pydantic-settings model find and refuse the same."""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path

import pytest
import tomlkit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from one_trace.errors import SettingsError
from one_trace.settings import keys, model, paths, sources
from one_trace.settings.enabled import enabled

VALID = {
    "enabled": {"true": True, "yes": True, "0": False, "off": False},
    "namespace": {"@my-org": "@my-org", "@a_b": "@a_b"},
    "visibility": {"direct": "direct", " private ": "private", "public": "public"},
    "upload": {"manual": "manual", "auto": "auto"},
    "flush_timeout": {"0.5": 0.5, "60": 60.0},
    "errors": {"full": "full", "code": "code"},
    "sinks": {"otlp, traces.com": ("otlp", "traces.com"), '["otlp"]': ("otlp",), "": ("traces.com",)},
    "endpoint": {
        "https://traces.example/": "https://traces.example",
        "http://127.0.0.1:80": "http://127.0.0.1:80",
        "http://[::1]:80": "http://[::1]:80",
    },
    "otlp_endpoint": {"http://localhost:4318": "http://localhost:4318", "https://a.b/x": "https://a.b/x"},
    "otlp_insecure": {"true": True, "no": False},
    "parent": {"child": "child", " link": "link"},
    "redact": {
        "acme-[0-9]+": ("acme-[0-9]+",),
        "a, b": ("a, b",),
        '["a", "b,c"]': ("a", "b,c"),
        "[a-z]+ x": ("[a-z]+ x",),
        "": (),
    },
    "on_finish": {"/usr/bin/tell": "/usr/bin/tell", "/x": "/x"},
    "live": {"no": False, "1": True},
    "retention": {"12w": "12w", "36H": "36h", "forever": "forever"},
    "history": {
        "clickhouse://Ch.example/otel": "clickhouse://ch.example:8443/otel",
        "CLICKHOUSE://ann@127.1:8123/runs/?secure=0": "clickhouse://ann@127.0.0.1:8123/runs?secure=0",
        "local": "local",
    },
    "host": {"built-in": "built-in", "/usr/bin/one": "/usr/bin/one"},
    "data_dir": {"/var/traces": "/var/traces", "/x": "/x"},
}
INVALID = {
    "enabled": ["maybe", 7, 1.0],
    "namespace": ["my-org", "@", "@a/../b", 5],
    "visibility": ["all", 1],
    "upload": ["later", False],
    "flush_timeout": ["-1", "nan", "soon", True, 10**400],
    "errors": ["text", []],
    "sinks": ["elsewhere", 3, ["traces.com", "elsewhere"]],
    "endpoint": [
        "http://traces.example",
        "http://127.0.0.1.evil.example",
        "https://user:word@traces.example",
        "https://a b",
        "file:///etc/passwd",
        "https://[::1",
        80,
    ],
    "otlp_endpoint": ["ftp://a.b", "https://u@a.b", {}],
    "otlp_insecure": ["perhaps", 2],
    "parent": ["parent", True],
    "redact": ["(", "x*", "a{99999999999}", 5, [5], ["a", "["], ["x"] * 51, "x" * 501],
    "on_finish": ["tell", "./tell", 5],
    "live": ["perhaps", [True]],
    "retention": ["30m", "0d", "d", 90],
    "history": [
        "https://ch.example/otel",
        "clickhouse://ch.example",
        "clickhouse://ch.example/a/b",
        "clickhouse://ch.example/otel?secure=0",
        "clickhouse://localhost.evil.example/otel?secure=0",
        "clickhouse://localhost/otel?secure=no",
        "clickhouse://ann:word@ch.example/otel",
        "clickhouse://ann%3Aword@ch.example/otel",
        "clickhouse://:word@ch.example/otel",
        "remote",
        7,
    ],
    "host": ["one", False],
    "data_dir": ["traces", "~nobody-of-this-name/x", 1],
}
USER_ONLY = {"redact", "on_finish"}
TYPED = {"enabled": True, "flush_timeout": 2, "live": False, "sinks": ["otlp"], "retention": "2d"}
TYPED |= {"redact": ["x"]}
"""Values of another type than text, as TOML has them."""


@pytest.fixture
def scene(tmp_path, monkeypatch):
    """`load(layers)`: the settings as both implementations find them, which must be equal."""
    project = tmp_path / "work"
    project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setenv("ONE_TRACES_UPLOAD", "not read: the environment is a parameter")

    def load(**layers):
        env = {"HOME": str(tmp_path / "home")}
        flags = layers.get("flags", {})
        env |= {
            paths.ENV_PREFIX + name.upper(): value for name, value in layers.get("environment", {}).items()
        }
        files = {"user": Path(paths.user_file(env)), "project": project / paths.PROJECT_FILE}
        for source, path in files.items():
            path.unlink(missing_ok=True)
            if source in layers:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(tomlkit.dumps({"traces": layers[source]}))
        fast, whole = (each.load(env=env, flags=flags) for each in (sources, model))
        assert fast._replace(problems=()) == whole._replace(problems=())
        assert list(map(vars, fast.problems)) == list(map(vars, whole.problems))
        assert flags or enabled(env) in (None, fast.enabled)
        return fast

    return load


def test_there_are_samples_of_every_key_and_an_attribute_for_each():
    names = [key.name for key in keys.KEYS]
    assert names == list(VALID) == list(INVALID)
    assert names == list(sources.Settings._fields[:-2]) == list(model.TracesSettings.model_fields)


def test_every_default_is_equal(scene):
    assert scene().problems == ()


@pytest.mark.parametrize("name", VALID)
@pytest.mark.parametrize("source", ["environment", "user", "project", "flags"])
def test_every_value_is_parsed_equally_from_every_source(scene, name, source):
    for text, value in VALID[name].items():
        loaded = scene(**{source: {name: text}})
        if source == "project" and (name not in keys.PROJECT_KEYS or value == "public"):
            assert (loaded.sources[name], len(loaded.problems)) == ("default", 1)
        elif source == "environment" and name in USER_ONLY:
            assert (loaded.sources[name], len(loaded.problems)) == ("default", 1 if text else 0)
            assert all(problem.keys == {name} for problem in loaded.problems)
        elif text or source != "environment":
            expected = () if text == "" else value
            assert (getattr(loaded, name), loaded.problems) == (expected, ())
            assert loaded.sources[name] == {"flags": "command line"}.get(source, source)


@pytest.mark.parametrize("name", TYPED)
def test_every_typed_value_is_parsed_equally(scene, name):
    for source in ("user", "project", "flags"):
        scene(**{source: {name: TYPED[name]}})


@pytest.mark.parametrize("name", INVALID)
def test_every_invalid_value_is_refused_equally_and_the_next_source_decides(scene, name):
    valid, expected = next(iter(VALID[name].items()))
    for value in INVALID[name]:
        loaded = scene(user={name: valid}, flags={name: value})
        (problem,) = loaded.problems
        assert f"traces.{name} in the command line " in problem.message
        assert (getattr(loaded, name), loaded.sources[name], problem.keys) == (expected, "user", {name})
        scene(project={name: value, "enabled": True})
        if isinstance(value, str):
            assert len(scene(environment={name: value}, user={name: value}).problems) == 2


@pytest.mark.parametrize("name", VALID)
def test_the_precedence_is_equal_for_every_set_of_sources(scene, name):
    first, second = list(VALID[name])[:2]
    order = ["flags", "environment", "project", "user"]
    if name not in keys.PROJECT_KEYS:
        order.remove("project")
    if name in USER_ONLY:
        order.remove("environment")
    for size in range(1, len(order) + 1):
        for chosen in itertools.combinations(order, size):
            given = {source: {name: second} for source in chosen} | {chosen[0]: {name: first}}
            loaded = scene(**given)
            assert getattr(loaded, name) == VALID[name][first]
            assert loaded.sources[name] == {"flags": "command line"}.get(chosen[0], chosen[0])


def test_unknown_keys_are_reported_equally(scene):
    for source in ("environment", "user", "project", "flags"):
        assert len(scene(**{source: {"telepathy": "on"}}).problems) == 1


@pytest.mark.parametrize(
    ("name", "text", "value"), [(n, t, v) for n in VALID for t, v in VALID[n].items() if t]
)
def test_config_set_takes_what_the_environment_takes(name, text, value):
    assert model.parse(name, text) == value
    assert model.parse(name, keys.format_value(value)) == value


@pytest.mark.parametrize(
    ("name", "text"), [(n, t) for n in INVALID for t in INVALID[n] if isinstance(t, str)]
)
def test_config_set_refuses_what_the_environment_refuses(name, text):
    with pytest.raises(SettingsError, match=f"traces.{name} (must be|begins with|has a pattern)") as caught:
        model.parse(name, text)
    assert caught.value.code == "bad-value"


def test_a_command_that_acts_on_a_key_refuses_its_invalid_value(scene):
    loaded = scene(user={"sinks": "elsewhere"})
    with pytest.raises(SettingsError):
        loaded.require("enabled", "sinks")
    loaded.require(*(name for name in VALID if name != "sinks"))


def test_no_fast_path_imports_pydantic(machine):
    machine.player("02-linear-unicode")
    machine.env["PYTHONPROFILEIMPORTTIME"] = "1"
    machine.write(machine.user_file, "[traces]\nenabled = true\n")
    complete = {"_ONE_TRACE_COMPLETE": "bash", "COMP_WORDS": "one config set traces.", "COMP_CWORD": "3"}
    for argv, env in (
        (["list"], {}),
        (["flow", "execute", "k"], {}),
        (["--agent", "flow", "execute", "k"], {}),
        (["config", "set", "traces.", ""], complete),
        (["trace", "show"], {}),
        (["trace", "list"], {}),
    ):
        done = machine.one(*argv, env=env)
        assert done.code == 0, done.err[-300:]
        assert b"one_trace.main" in done.err
        assert b"pydantic" not in done.err, argv
    assert b"pydantic_settings" in machine.one("config", "list").err


LINES = st.sampled_from(
    [
        *("[traces]", "[other]", "[[traces]]", "enabled = true", "enabled = false", "enabled=true"),
        *("enabled", "enabled = 1", 'enabled = "true"', "enabled = true # why", "enabled = True", "= true"),
        *("live = false", "flush_timeout = 5", "flush_timeout = 08", "traces.x = 1", "enabled.x = true"),
        *("new_key = true", 'host = "a\\u0041"', 'host = "a', "# why", "# \x01", "\x0cenabled = true"),
        *("enabled = true\r", "\r", "", " \t"),
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(user=st.lists(LINES, max_size=5), project=st.none() | st.lists(LINES, max_size=3), begin=st.booleans())
def test_what_is_plain_to_see_of_enabled_is_what_the_settings_say(scene, user, project, begin):
    """`scene` has put us into a project of its own; the files are written as they are."""
    env = {"HOME": str(Path.cwd().parent / "home")}
    for path, lines in ((Path(paths.user_file(env)), user), (Path(paths.PROJECT_FILE), project)):
        path.unlink(missing_ok=True)
        if lines is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes("\n".join(["[traces]", *lines] if begin else lines).encode())
    assert enabled(env) in (None, sources.load(env=env).enabled)


def test_a_settings_file_that_is_refused_is_not_plain_to_see(scene):
    env = {"HOME": str(Path.cwd().parent / "home")}
    path = Path(paths.user_file(env))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[traces]\nenabled = true\n" + "#\n" * 3000)
    assert sources.load(env=env).enabled is False
    assert enabled(env) is None
    path.write_text("[traces]\nenabled = true\n")
    assert enabled(env) is sources.load(env=env).enabled is True


def test_a_pattern_that_later_pythons_may_read_otherwise_prints_no_warning():
    with warnings.catch_warnings(action="error"):
        assert keys.parse_redact("[[a]") == ("[[a]",)
