"""The built program: error text as it is stored, and as it is sent."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from urllib.parse import quote

import pytest
from machine import RECORDINGS, Done, Machine
from traces_server import KEY, FakeTracesServer, fake_traces_server

from tests.outbound.corpus import survivors
from tests.outbound.innocents import INNOCENTS
from tests.outbound.shapes import SHAPES

CASE = "55-parallel-fail-flow"
VALUE = "correct horse/battery-staple"


@pytest.fixture
def traces_server(machine: Machine) -> Iterator[FakeTracesServer]:
    """traces.com and an OTLP collector in one, and a machine that sends error text to both."""
    with fake_traces_server() as server:
        machine.env |= {
            "TRACES_API_KEY": KEY,
            "ONE_TRACES_ENDPOINT": server.url,
            "ONE_TRACES_SINKS": "traces.com,otlp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": server.url,
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
            "ONE_TRACES_ERRORS": "full",
        }
        server.fault = _collect
        yield server


def _collect(request: object) -> bool:
    """A collector's answer to what is sent by OTLP."""
    if request.path != "/v1/traces":  # type: ignore[attr-defined]
        return False
    request.raw(200, b"", "application/x-protobuf")  # type: ignore[attr-defined]
    return True


def sent(traces_server: FakeTracesServer) -> str:
    """Everything that was sent, decoded."""
    bodies = [body for _, _, _, body in traces_server.seen]
    plain = [gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body for body in bodies]
    texts = [body.decode("utf-8", "replace") for body in plain]
    return "\n".join([*texts, *(_unescaped(text) for text in texts)])


def _unescaped(text: str) -> str:
    return text.replace("\\\\", "\\").replace('\\"', '"').replace("\\\\", "\\").replace('\\"', '"')


def stored(machine: Machine) -> bytes:
    return b"".join(path.read_bytes() for path in machine.data.iterdir() if path.is_file())


def fail(machine: Machine, error: str, tmp_path: Path, **env: str) -> Done:
    """Run a flow whose step fails with this text."""
    case = tmp_path / f"case-{len(list(tmp_path.iterdir()))}"
    shutil.copytree(RECORDINGS / CASE, case)
    for path in (case / "logs").iterdir():
        lines = [json.loads(line) for line in path.read_text().split("\n") if line]
        lines = [line | {"error": error} if "error" in line else line for line in lines]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    machine.player(str(case))
    done = machine.one("--agent", "flow", "execute", "x", "--trace", env=env)
    assert {upload["state"] for upload in done.saved["uploads"]} <= {"sent"}, done.err
    return done


def shown_errors(machine: Machine) -> set[str]:
    spans = machine.one("--agent", "trace", "export", "last", "--format", "json").document["spans"]
    return {span["error"] for span in spans if span.get("error")}


@pytest.mark.parametrize("part", range(8))
def test_no_secret_of_a_known_shape_is_stored_or_sent(
    machine: Machine, traces_server: FakeTracesServer, tmp_path: Path, part: int
) -> None:
    made = [shape.make(Random(f"{shape.name} program")) for shape in SHAPES[part::8]]
    half = len(made) // 2
    for some in (made[:half], made[half:]):
        fail(machine, "\n\n".join(text for text, _ in some)[:30_000], tmp_path)
    parts = [part.replace("_secret_", "") for _, parts in made for part in parts]
    secrets = [part for part in parts if len(part) >= 8]  # ids contain shorter ones by chance
    assert list(survivors(secrets, sent(traces_server))) == []
    assert list(survivors(secrets, stored(machine).decode("latin-1"))) == []
    assert "[REDACTED]" in sent(traces_server)


def test_innocent_texts_are_sent_unchanged(
    machine: Machine, traces_server: FakeTracesServer, tmp_path: Path
) -> None:
    text = "\n".join(INNOCENTS[:40])
    assert len(text) < 4000
    fail(machine, text, tmp_path)
    assert shown_errors(machine) == {text}
    assert text in sent(traces_server) or json.dumps(text)[1:-1] in sent(traces_server)


@pytest.mark.parametrize(
    "spelled",
    [
        VALUE,
        json.dumps({"m": json.dumps(VALUE)}),
        quote(VALUE, safe=""),
        repr(VALUE.encode()),
        base64.b64encode(f"user {VALUE} end".encode()).decode(),
        f"'{VALUE}'",
        VALUE.encode().hex(),
        f"cut at the end: {VALUE[:15]}",
        f"an excerpt: {VALUE[:12]}…",
    ],
)
def test_a_secret_of_the_environment_is_not_stored_or_sent_in_any_spelling(
    machine: Machine, traces_server: FakeTracesServer, tmp_path: Path, spelled: str
) -> None:
    fail(machine, f"the server said: {spelled}", tmp_path, MY_UPSTREAM_TOKEN=VALUE)
    assert spelled not in sent(traces_server)
    assert VALUE[:10] not in sent(traces_server)
    assert VALUE[:10].encode() not in stored(machine)
    assert VALUE[:10].encode().hex().encode() not in stored(machine)
    assert shown_errors(machine) != set()


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        ("DB_PASS", True),
        ("MySecret", True),
        ("PGPASSWORD", True),
        ("apiKey", True),
        ("SESSION-COOKIE", True),
        ("COMPASS", False),
        ("KEYBOARD", False),
        ("PASSENGER", False),
        ("AUTHOR", False),
        ("OLDPWD", False),
    ],
)
def test_a_variable_is_secret_by_a_whole_word_of_its_name(
    machine: Machine, traces_server: FakeTracesServer, tmp_path: Path, name: str, hidden: bool
) -> None:
    fail(machine, "it was north-by-northwest then", tmp_path, **{name: "north-by-northwest"})
    assert ("north-by-northwest" not in sent(traces_server)) is hidden
    assert (b"north-by-northwest" not in stored(machine)) is hidden


def test_the_password_of_a_url_in_the_environment_is_a_secret(
    machine: Machine, traces_server: FakeTracesServer, tmp_path: Path
) -> None:
    fail(
        machine,
        "login of swordfishes failed",
        tmp_path,
        DATABASE_URL="postgres://app:swordfishes@db.internal/app",
    )
    assert "swordfishes" not in sent(traces_server)


def test_each_line_of_a_multiline_secret_is_a_secret(
    machine: Machine, traces_server: FakeTracesServer, tmp_path: Path
) -> None:
    fail(machine, "near: second-line-of-it", tmp_path, DEPLOY_KEY="first-line\nsecond-line-of-it\nthird")
    assert b"second-line-of-it" not in stored(machine)


def test_an_import_from_another_environment_keeps_the_redaction(
    machine: Machine, traces_server: FakeTracesServer, tmp_path: Path
) -> None:
    fail(machine, f"refused {VALUE} today", tmp_path, MY_UPSTREAM_TOKEN=VALUE)
    report = machine.one("--agent", "trace", "import").document
    assert [run["state"] for run in report["runs"]] == ["unchanged"]
    assert VALUE.encode() not in stored(machine)
    assert shown_errors(machine) == {"refused [REDACTED] today"}


def test_an_import_redacts_with_its_own_environment(
    machine: Machine, traces_server: FakeTracesServer, tmp_path: Path
) -> None:
    fail(machine, f"refused {VALUE} today", tmp_path)
    shutil.rmtree(machine.data)
    machine.data.mkdir()
    machine.one("--agent", "trace", "import", env={"MY_UPSTREAM_TOKEN": VALUE})
    assert shown_errors(machine) == {"refused [REDACTED] today"}


def test_no_secret_straddles_the_cut(
    machine: Machine, traces_server: FakeTracesServer, tmp_path: Path
) -> None:
    token = "ghp" + "_" + "a1B2c3D4" * 4
    for before in (4096 - 10, 4096 - 4 - len(token) // 2):
        fail(machine, f"{'word ' * 1000}"[: before - 1] + f" {token} and {VALUE}", tmp_path, A_TOKEN=VALUE)
        assert token[:12] not in sent(traces_server)
        assert token[:12].encode() not in stored(machine)
        assert VALUE[:8].encode() not in stored(machine)


@pytest.fixture
def alone(machine: Machine) -> Machine:
    """A machine without a host, with Node and a shell."""
    machine.with_node("bash", "sh", "cat")
    return machine


def run_step(machine: Machine, kind: str, config: dict[str, object]) -> Done:
    step = {"id": "bad", "name": "Bad", "type": kind, kind: config}
    document = {"key": "f", "name": "f", "description": "", "version": "1", "inputs": {}}
    inputs = {"word": {"type": "string", "required": False, "default": "canary\nvalue", "description": ""}}
    document |= {"inputs": inputs, "steps": [step]}
    machine.write(machine.project / ".one/flows/f/flow.json", json.dumps(document))
    return machine.one("--agent", "flow", "execute", "f", "--allow-bash", "--trace")


@pytest.mark.parametrize(
    ("command", "stays"),
    [
        ("echo 'disk is full' >&2; : canary; exit 3", "disk is full"),
        (
            "echo 'disk is full' >&2\n: canary\ncat <<END >/dev/null\nError: canary\nEND\nexit 3",
            "disk is full",
        ),
        ("set -x; : canary; exit 3", ""),
        ("canary --go", "not found"),
        ("echo 'disk is full' >&2; : canary {{$.input.word}} canary end; exit 3", "disk is full"),
        ("echo 'disk is full' >&2; : canary; exit 3; : {{q $.input.word}}", "disk is full"),
        ("(canary", ""),
    ],
)
def test_a_failed_command_is_never_sent_and_its_output_is(
    alone: Machine, traces_server: FakeTracesServer, command: str, stays: str
) -> None:
    run_step(alone, "bash", {"command": command})
    assert "Command failed" in sent(traces_server)
    assert "canary" not in sent(traces_server)
    assert stays in sent(traces_server)
    assert any("canary" in error for error in shown_errors(alone))  # here, it may be read


def test_a_source_line_is_never_sent_and_its_message_is(
    alone: Machine, traces_server: FakeTracesServer
) -> None:
    run_step(alone, "code", {"source": 'const canary = 1; throw new Error("HTTP 404" + " gone");'})
    assert "HTTP 404 gone" in sent(traces_server)
    assert "canary" not in sent(traces_server)


def test_the_source_of_a_module_is_never_sent(alone: Machine, traces_server: FakeTracesServer) -> None:
    source = 'const canary = 1; throw new Error("HTTP 404" + " gone");'
    alone.write(alone.project / ".one/flows/f/lib/m.mjs", source)
    run_step(alone, "code", {"module": "lib/m.mjs"})
    assert "HTTP 404 gone" in sent(traces_server)
    assert "canary" not in sent(traces_server)


def test_a_key_repeated_by_the_server_is_not_stored(
    machine: Machine, traces_server: FakeTracesServer
) -> None:
    def refuse(request: object) -> bool:
        request.raw(400, f"bad header: {request.headers['X-Api-Key']!r}".encode(), "text/plain")  # type: ignore[attr-defined]
        return True

    traces_server.fault = refuse
    machine.env |= {"ONE_TRACES_SINKS": "otlp", "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=north-by-northwest"}
    machine.player(CASE)
    machine.one("--agent", "flow", "execute", "x", "--trace")
    assert b"north-by" not in stored(machine)
