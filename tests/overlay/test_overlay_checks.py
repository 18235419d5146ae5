"""The checks of `trace doctor`, asked in this process: what each finds, and the command that fixes it."""

from __future__ import annotations

import os
import threading
from collections import namedtuple
from pathlib import Path

import pytest
import traces_server

from one_trace.answers.reports import Check, DoctorReport
from one_trace.cli import completions, doctor
from one_trace.cli.checks import collector, programs, projects, shell, space, subjects
from one_trace.cli.out import Out
from one_trace.errors import CliError
from one_trace.settings import paths
from one_trace.store import Store
from tests.machine import OURS
from tests.made import assembly

pytestmark = pytest.mark.program


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home, which is also the working directory."""
    for name in [name for name in os.environ if name.startswith(("ONE_", "OTEL_", "XDG_", "TRACES_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    programs._behind_shims.cache_clear()
    yield tmp_path
    programs._behind_shims.cache_clear()


def found(findings) -> list[tuple[str, str | None]]:
    return [(check.state, check.fix) for check in findings]


def test_what_waits_is_looked_at_together_and_not_for_ever():
    never, both = threading.Event(), threading.Barrier(2)

    def meet():
        both.wait(30)
        return [Check("a", "ok", "met")]

    def broken():
        yield Check("e", "ok", "what was found first is kept")
        raise CliError("no", hint="a hint", fix="a command")

    asked = [
        subjects.Subject("a", meet, waits=True),
        subjects.Subject("b", meet, waits=True),
        subjects.Subject("c", list),
        subjects.Subject("d", lambda: [never.wait()], waits=True),
        subjects.Subject("e", broken),
    ]
    checks = subjects.look_at(asked, 0.3)
    never.set()
    assert [(check.check, check.state) for check in checks] == [
        ("a", "ok"),
        ("a", "ok"),
        ("d", "bad"),
        ("e", "ok"),
        ("e", "bad"),
    ]
    assert checks[2].message == "not checked: there was no answer within 0.3 s"
    assert checks[4].fix == "a command"


def test_what_a_library_says_of_a_request_is_not_repeated():
    def fails():
        raise RuntimeError("Bearer trk_secret")

    (check,) = subjects.look_at([subjects.Subject("x", fails, waits=True)])
    assert check.message == "this could not be checked: RuntimeError"


@pytest.mark.parametrize(
    ("states", "next_"),
    [
        ("ok note bad bad", "fix 2"),
        ("ok note note", "fix 1"),
        ("ok ok", None),
    ],
)
def test_the_next_command_fixes_the_first_that_is_bad_else_the_first_note(states, next_):
    checks = [
        Check("x", state, "", None if state == "ok" else f"fix {at}")
        for at, state in enumerate(states.split())
    ]
    assert doctor._next(checks) == next_


@pytest.mark.parametrize("width", [40, 80])
def test_no_line_but_a_command_is_wider_than_the_terminal(width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    checks = [Check("state files", "bad", "word " * 60, "a command " * 20), Check("key", "ok", "x" * 200)]
    report = DoctorReport(ok=False, checks=checks, next="a command")
    lines = doctor._page(report, Out(agent=False)).split("\n")
    assert max(len(line) for line in lines if "a command" not in line) <= width
    assert lines[-1] == "Next: a command"


OTLP = {
    "no sink": ({}, []),
    "an endpoint that no sink uses": (
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "{url}"},
        [("note", "one config set traces.sinks traces.com,otlp")],
    ),
    "no endpoint": ({"ONE_TRACES_SINKS": "otlp"}, [("note", "one config set traces.otlp_endpoint URL")]),
    "it is switched off": (
        {"ONE_TRACES_SINKS": "otlp", "ONE_TRACES_OTLP_ENDPOINT": "{url}/200", "OTEL_SDK_DISABLED": "true"},
        [("note", "unset OTEL_SDK_DISABLED")],
    ),
    "it answers": ({"ONE_TRACES_SINKS": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": "{url}/200"}, [("ok", None)]),
    "it wants a header": (
        {"ONE_TRACES_SINKS": "otlp", "ONE_TRACES_OTLP_ENDPOINT": "{url}/401"},
        [("bad", "export OTEL_EXPORTER_OTLP_HEADERS=NAME=VALUE")],
    ),
    "it is elsewhere": (
        {"ONE_TRACES_SINKS": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": "{url}/404"},
        [("bad", "export OTEL_EXPORTER_OTLP_ENDPOINT=URL")],
    ),
    "a value without effect": (
        {
            "ONE_TRACES_SINKS": "otlp",
            "ONE_TRACES_OTLP_ENDPOINT": "{url}/200",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "zstd",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "1s",
        },
        [
            ("ok", None),
            ("note", "unset OTEL_EXPORTER_OTLP_COMPRESSION"),
            ("note", "unset OTEL_EXPORTER_OTLP_TIMEOUT"),
        ],
    ),
    "grpc": (
        {
            "ONE_TRACES_SINKS": "otlp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{url}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "GRPC",
        },
        [("bad", "one config set traces.otlp_endpoint URL")],
    ),
}


@pytest.mark.parametrize(("env", "expected"), OTLP.values(), ids=OTLP)
def test_otlp(home, monkeypatch, env, expected):
    with traces_server.fake_traces_server() as server:
        server.fault = lambda request: request.refuse(int(request.path.split("/")[1]), "no") or True
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "HTTP/JSON")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20canary")
        for name, text in env.items():
            monkeypatch.setenv(name, text.format(url=server.url))
        checks = list(collector.otlp(offline=False))
        assert found(checks) == expected
        assert not any("canary" in check.message for check in checks)
        asked = len(server.seen)
        assert all(body == b"{}" for *_, body in server.seen)
        assert [check.message[:24] for check in collector.otlp(offline=True)][:1] == (
            ["not checked: --offline; "] if asked else [check.message[:24] for check in checks][:1]
        )
        assert len(server.seen) == asked


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("bash", "/etc/bash_completion.d/one"),
        ("zsh", ".zfunc/_one"),
        ("fish", ".config/fish/completions/one.fish"),
    ],
)
def test_completions_are_missing_current_or_of_another_version(home, monkeypatch, name, file):
    monkeypatch.setenv("SHELL", f"/bin/{name}")
    monkeypatch.setattr(shell, "_LOADERS", (str(home),))
    monkeypatch.setattr(
        shell, "_FILES", {**shell._FILES, "bash": ("~/etc/bash_completion.d/one",), "zsh": ()}
    )
    (missing,) = shell.completion()
    assert (missing.state, f"one trace completion {name}" in missing.fix) == ("note", True)
    path = home / file.removeprefix("/")
    path.parent.mkdir(parents=True)
    path.write_text(completions.script(name))
    if name == "zsh":
        (home / ".zshrc").write_text('# fpath=(/nowhere)\nfpath+=("$HOME/.zfunc")\n')
    if name == "bash":
        (not_loaded,) = shell.completion()
        assert not_loaded.state == "note"
        monkeypatch.setattr(shell, "_LOADERS", (__file__,))
    assert found(shell.completion()) == [("ok", None)]
    path.write_text(completions.script(name) + "\n")
    assert found(shell.completion()) == [("note", f"one trace completion {name} > {path}")]
    path.write_text("another program's\n")
    assert found(shell.completion()) == [("note", None)]


def test_completions_that_a_startup_file_loads_are_always_current(home, monkeypatch):
    monkeypatch.setenv("SHELL", "/bin/bash")
    startup = home / ".bashrc"
    startup.write_text('# eval "$(one trace completion bash)"\n')
    assert found(shell.completion())[0][0] == "note"
    startup.write_text('eval "$(one trace completion bash)"\n')
    assert found(shell.completion()) == [("ok", None)]
    monkeypatch.setenv("SHELL", "/bin/dash")
    assert [check.message[:12] for check in shell.completion()] == ["not checked:"]


def _programs(home: Path, **texts: str) -> str:
    for name, text in texts.items():
        program = home / name / "one"
        program.parent.mkdir(exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)
    return os.pathsep.join(str(home / name) for name in texts)


HOST = "#!/bin/sh\necho 1.52.1\n"


@pytest.mark.program
def test_one_on_path(home, monkeypatch):
    monkeypatch.setenv("PATH", _programs(home, ours=OURS, host=HOST, other=HOST))
    (home / "link").symlink_to(home / "host")
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}{home / 'link'}")
    assert [check.message for check in programs.host()] == [f"One CLI 1.52.1 at {home}/host/one"]
    first, unused = programs.path()
    assert (first.state, unused.message) == ("ok", f"also on PATH, and not used: {home}/other/one")
    programs._behind_shims.cache_clear()
    monkeypatch.setenv("PATH", _programs(home, host=HOST, ours=OURS))
    assert found(programs.path()) == [("bad", f'export PATH={home}/ours:"$PATH"')]


@pytest.mark.program
def test_a_host_that_does_not_run_is_bad(home, monkeypatch):
    monkeypatch.setenv("PATH", _programs(home, ours=OURS, broken="#!/bin/sh\nexit 127\n"))
    assert found(programs.host()) == [("bad", "npm install -g @withone/cli")]


Disk = namedtuple("Disk", "f_bavail f_frsize f_files f_favail")


@pytest.mark.parametrize(
    ("disk", "state"),
    [
        (Disk(10**9, 4096, 10**6, 10**6), "ok"),
        (Disk(10**9, 4096, 0, 0), "ok"),
        (Disk(10**3, 4096, 10**6, 10**6), "note"),
        (Disk(10, 4096, 10**6, 10**6), "bad"),
        (Disk(10**9, 4096, 10**6, 0), "bad"),
    ],
)
def test_the_disk(home, monkeypatch, disk, state):
    monkeypatch.setattr(os, "statvfs", lambda _: disk)
    assert [check.state for check in space.disk()] == [state]


def test_the_projects_and_their_state_files(home, monkeypatch):
    folders = [home / "here", home / "there", home / "gone"]
    for folder in folders[:2]:
        state = folder / ".one/flows/.runs/k-0123456789ab.state.json"
        state.parent.mkdir(parents=True)
        state.write_text("{}")
        state.chmod(0o644)
    with Store(Path(paths.data_dir(os.environ), "traces.db")) as store:
        for number, folder in enumerate(folders):
            store.save(assembly(f"{number:012x}", cwd=str(folder)))
    monkeypatch.chdir(folders[0])
    assert [check.message for check in projects.projects()] == [
        f"{home}/here, 1 traced run",
        "2 other projects with traced runs, 1 of which is gone",
    ]
    (readable,) = projects.state_files(fix=False)
    assert readable.message.startswith(
        f"others can read 2 state files in .one/flows/.runs, {home}/there/.one"
    )
    assert [check.state for check in projects.state_files(fix=True)] == ["ok"]
    assert [check.state for check in projects.state_files(fix=False)] == ["ok"]
    (folders[0] / "below").mkdir()
    monkeypatch.chdir(folders[0] / "below")
    assert found(projects.projects())[0] == ("note", f"cd {folders[0]}")
    monkeypatch.chdir(home)
    assert [check.state for check in projects.projects()] == ["note", "ok"]
