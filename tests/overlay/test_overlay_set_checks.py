"""What `config set` checks of a value: a warning says what is wrong with it, and it is set all the same."""

from __future__ import annotations

import json
import os

import pytest
import traces_server

from one_trace.cli.checks import values
from one_trace.settings import paths, sources

pytestmark = pytest.mark.program

CASES = {
    "a host that runs": ("host", "{root}/runs", {}, []),
    "no host there": ("host", "{root}/nothing", {}, ["{root}/nothing, which is not a file"]),
    "a host that fails": ("host", "{root}/fails", {}, ["`--version` ends with code 3: no node"]),
    "a host without its interpreter": ("host", "{root}/orphan", {}, ["the interpreter in its first line"]),
    "a folder that can be made": ("data_dir", "{root}/new/deep", {}, []),
    "a folder below a file": ("data_dir", "{root}/runs/deep", {}, ["cannot be opened or written"]),
    "an endpoint that answers": ("endpoint", "{server}", {}, []),
    "no endpoint there": ("endpoint", "http://127.0.0.1:9", {}, ["connection refused"]),
    "a collector that answers": ("otlp_endpoint", "{server}/ok", {"SINKS": "otlp"}, []),
    "no collector there": ("otlp_endpoint", "http://127.0.0.1:9", {"SINKS": "otlp"}, ["connection refused"]),
    "a collector that is no sink": ("otlp_endpoint", "{server}/ok", {}, ["traces.sinks does not name otlp"]),
    "a sink without an endpoint": ("sinks", ("otlp",), {}, ["the sink otlp has no endpoint"]),
    "a namespace of the key": ("namespace", "@me", {"ENDPOINT": "{server}"}, []),
    "a namespace of nobody": ("namespace", "@x", {"ENDPOINT": "{server}"}, ["there is no namespace @x"]),
    "a value that is overridden": ("live", False, {"LIVE": "true"}, ["ONE_TRACES_LIVE sets traces.live too"]),
}  # fmt: skip


@pytest.fixture
def root(tmp_path, monkeypatch):
    """An empty home, and some programs that may be taken for the host."""
    for name in [name for name in os.environ if name.startswith(("ONE_", "OTEL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TRACES_API_KEY", traces_server.KEY)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")
    monkeypatch.chdir(tmp_path)
    programs = {
        "runs": "#!/bin/sh\necho 1.52.1\n",
        "fails": "#!/bin/sh\necho no node >&2\nexit 3\n",
        "orphan": "#!/nowhere/sh\n",
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path


@pytest.mark.program
@pytest.mark.parametrize(("name", "value", "env", "warnings"), CASES.values(), ids=CASES)
def test_a_value_that_leads_to_nothing_is_warned_of(root, monkeypatch, name, value, env, warnings):
    with traces_server.fake_traces_server() as server:
        server.fault = lambda request: request.path.startswith("/ok/") and (request.answer(200, {}) or True)
        place = {"root": root, "server": server.url}
        for key, text in env.items():
            monkeypatch.setenv(f"ONE_TRACES_{key}", text.format(**place))
        value = value.format(**place) if isinstance(value, str) else value
        user = root / paths.user_file(os.environ)
        user.parent.mkdir(parents=True, exist_ok=True)
        user.write_text(f"[traces]\n{name} = {json.dumps(value)}\n")
        found = values.warnings(name, value, "user", sources.load())
        assert len(found) == len(warnings), found
        for check, part in zip(found, warnings, strict=True):
            assert part.format(**place) in check.message
            assert check.fix
        if name == "endpoint":
            assert not any("Authorization" in headers for _, _, headers, _ in server.seen)


def test_warnings_are_part_of_the_one_document_and_refuse_nothing(machine):
    asked = ["config", "set", "traces.host", "/nowhere/one"]
    done = machine.one("--agent", *asked)
    hint = "one config unset traces.host"
    wrong = "traces.host is set to /nowhere/one, which is not a file"
    assert (done.code, done.err) == (0, b"")
    assert done.document["warnings"] == [{"message": wrong, "hint": hint}]
    assert machine.one(*asked).err.decode() == f"warning: {wrong}\nhint: {hint}\n"
    assert machine.one("config", "get", "traces.host").out == b"/nowhere/one\n"
