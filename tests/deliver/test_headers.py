"""A header that cannot be sent is named, and its value is neither shown nor stored."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from machine import Machine
from traces_server import KEY, FakeTracesServer, fake_traces_server

from one_trace.outbound.own_secrets import Secrets, secret_parts

pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")

SECRET = "Zm9vYmFy-hush-NDU2"
FORMATS = ("json", "events", "otlp", "perfetto", "html")


@pytest.fixture
def traces_server() -> Iterator[FakeTracesServer]:
    with fake_traces_server() as kept:
        kept.fault = lambda request: request.raw(200, b"", "application/x-protobuf") or True
        yield kept


@pytest.fixture
def sending(machine: Machine, traces_server: FakeTracesServer) -> Machine:
    machine.env |= {
        "ONE_TRACES_SINKS": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": traces_server.url,
        "ONE_TRACES_FLUSH_TIMEOUT": "30",
    }
    machine.player("02-linear-unicode")
    return machine


SHORT = {"sync": ("--agent", "trace", "sync", "--retry-failed"), "doctor": ("trace", "doctor")}
LONG = {
    **SHORT,
    "sync, text": ("trace", "sync"),
    "show": ("trace", "show", "last"),
    "show, agent": ("--agent", "trace", "show", "last"),
    "list": ("trace", "list"),
    "list, agent": ("--agent", "trace", "list"),
    **{form: ("trace", "export", "last", "--format", form) for form in FORMATS},
}


def all_output(machine: Machine, verbs: dict[str, tuple[str, ...]]) -> dict[str, bytes]:
    """The output of commands about a run, and the stored bytes."""
    output = {}
    for name, argv in verbs.items():
        done = machine.one(*argv)
        output[name] = done.out + done.err
    output["store"] = b"".join(path.read_bytes() for path in machine.data.iterdir() if path.is_file())
    return output


def is_sent_without(server: FakeTracesServer, header: str) -> bool:
    """Whether every request had the other header of the variable, and not this one."""
    sent = [{name.lower(): value for name, value in headers.items()} for _, _, headers, _ in server.seen]
    others = all(each["x-team"] == "blue" and header not in each for each in sent)
    return bool(sent) and others and SECRET not in str(sent)


@pytest.mark.parametrize(
    "value",
    [f"{SECRET}\n456", f"{SECRET}%0A456", f"{SECRET}%00", f"a\x01{SECRET}", f"%0D%0AX-Evil: {SECRET}"],
)
def test_an_invalid_header_is_left_out_and_named_and_its_value_never_shown(
    sending: Machine, traces_server: FakeTracesServer, value: str
) -> None:
    sending.env["OTEL_EXPORTER_OTLP_HEADERS"] = f"x-team=blue,x-api-key={value}"
    done = sending.one("flow", "execute", "x", "--trace")
    assert done.code == 0
    assert b"pair 2: the header x-api-key" in done.err
    output = all_output(sending, LONG if "\n" in value else SHORT) | {"run": done.out + done.err}
    assert b"x-api-key" in output["sync"]
    assert b"x-api-key" in output["doctor"]
    for where, text in output.items():
        for part in (SECRET.encode(), base64.b64encode(SECRET.encode())[:12], b"hush", b"Zm9v"):
            assert part not in text, where
    assert is_sent_without(traces_server, "x-api-key")


@pytest.mark.parametrize("name", ["Authorization: Bearer hush-hush", "x api hush-hush", "hüsh-hush", ""])
def test_an_invalid_header_name_is_left_out_and_reported_by_its_position(
    sending: Machine, traces_server: FakeTracesServer, name: str
) -> None:
    sending.env["OTEL_EXPORTER_OTLP_HEADERS"] = f"x-team=blue,{name}=="
    done = sending.one("flow", "execute", "x", "--trace")
    assert b"pair 2" in done.err
    assert b"hush" not in done.err
    assert is_sent_without(traces_server, name.lower())


def test_a_header_value_beyond_ascii_is_sent_unchanged(
    sending: Machine, traces_server: FakeTracesServer
) -> None:
    sending.env["OTEL_EXPORTER_OTLP_HEADERS"] = "x-team=bl%C3%A5,x-raw=grün,User-Agent=mine"
    done = sending.one("--agent", "flow", "execute", "x", "--trace")
    assert done.saved["uploads"][0]["state"] == "sent"
    ((_, _, headers, _),) = traces_server.seen
    sent = {name.lower(): value.encode("latin-1").decode() for name, value in headers.items()}
    assert (sent["x-team"], sent["x-raw"], sent["user-agent"]) == ("blå", "grün", "mine")


def test_an_invalid_key_of_traces_com_is_not_shown(machine: Machine) -> None:
    machine.env |= {"TRACES_API_KEY": "trk_hush\nhush", "ONE_TRACES_ENDPOINT": "http://127.0.0.1:1"}
    machine.player("02-linear-unicode")
    for argv in (("flow", "execute", "x", "--trace"), ("trace", "sync"), ("trace", "doctor")):
        done = machine.one(*argv)
        assert b"hush" not in done.out + done.err
        assert b"Traceback" not in done.err


@pytest.mark.parametrize(
    ("scheme", "password"),
    [
        ("http", "hush-hush"),
        ("http", "hu%0Ash"),
        ("https", "hush]["),
        ("socks5", "hush-hush"),
        ("socks5", "hu%0Ash"),
        ("gopher", "hush]["),
    ],
)
def test_the_password_of_a_proxy_is_not_shown(machine: Machine, scheme: str, password: str) -> None:
    machine.env |= {
        "TRACES_API_KEY": KEY,
        "ONE_TRACES_ENDPOINT": "https://nobody.invalid",
        "HTTPS_PROXY": f"{scheme}://hush-user:{password}@127.0.0.1:1",
        "ONE_TRACES_FLUSH_TIMEOUT": "20",
    }
    machine.player("02-linear-unicode")
    run = machine.one("--agent", "flow", "execute", "x", "--trace")
    assert run.saved["uploads"][0]["state"] == "queued"
    output = all_output(machine, SHORT)
    for where, text in output.items():
        assert b"hush" not in text, where
        assert b"Traceback" not in text, where


def test_an_answer_of_the_proxy_is_reported_by_its_status_alone(machine: Machine) -> None:
    with fake_traces_server() as proxy:
        proxy.fault = lambda request: request.refuse(407, "hush hush-user") or True
        machine.env |= {
            "TRACES_API_KEY": KEY,
            "ONE_TRACES_ENDPOINT": "https://nobody.invalid",
            "https_proxy": proxy.url.replace("//", "//hush-user:hush-hush@"),
            "ONE_TRACES_FLUSH_TIMEOUT": "1",
        }
        machine.player("02-linear-unicode")
        done = machine.one("flow", "execute", "x", "--trace")
    assert b"not delivered" in done.err
    assert b"hush" not in done.err


@pytest.mark.parametrize(
    "entries", ["localhost,fd00::/8", "fe80::/10", "[::1]", "::1/128", "a b,,*.x:y", "["]
)
def test_an_invalid_entry_of_no_proxy_is_ignored(
    sending: Machine, traces_server: FakeTracesServer, entries: str
) -> None:
    sending.env |= {
        "NO_PROXY": entries,
        "https_proxy": "http://127.0.0.1:1",
        "http_proxy": "http://127.0.0.1:1",
    }
    done = sending.one("--agent", "flow", "execute", "x", "--trace")
    assert done.saved["uploads"][0]["state"] == "sent"


@pytest.mark.parametrize(
    ("given", "text", "kept"),
    [
        ("trk_abcdefgh", "key trk_abcdefgh, please", "key [key], please"),
        ("trk_abcdefgh", "an innocent text about keys", "an innocent text about keys"),
        ("abc", "abc", "abc"),
        ("Basic bWU6aHVzaC1odXNo", "password hush-hush", "password [key]"),
        ("schlüssel-häuser", "SCHL%C3%BCSSEL-H%C3%A4USER", "[key]"),
    ],
)
def test_secrets_are_hidden_in_a_text(given: str, text: str, kept: str) -> None:
    assert Secrets(secret_parts(given)).hide(text) == kept


def test_no_part_of_a_secret_stays_where_a_text_is_cut() -> None:
    secret = "k" * 30 + "0123456789"
    for length in range(16_340, 16_400):
        assert "k" * 5 not in Secrets([secret]).hide("." * length + " " + secret + " " + secret)
