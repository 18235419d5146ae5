"""An untrusted certificate is refused, however the URL is written and whatever proxy is in between."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from machine import Done, Machine
from made import assembly
from traces_server import KEY, FakeTracesServer, fake_traces_server

from one_trace.store import Store

pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")

NAMES = ("Authorization", "authorization")
TOKEN = "hush-hush-hush"
HOSTS = [
    "https://localhost",
    "HTTPS://localhost",
    "hTTpS://LOCALHOST",
    "HTTPS://localhost.",
    "HTTPS://127.0.0.1",
    "HTTPS://127.1",
    "HTTPS://2130706433",
]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost, with its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl, to make a certificate")
    path = tmp_path_factory.mktemp("tls") / "nobody.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(
        [openssl, *words.split(), *names, "-keyout", path, "-out", path.with_suffix(".crt")],
        check=True,
        capture_output=True,
    )
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


def serving(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def traces_server(certificate: Path) -> Iterator[FakeTracesServer]:
    with fake_traces_server() as kept:
        kept.socket = serving(certificate).wrap_socket(
            kept.socket, server_side=True, do_handshake_on_connect=False
        )
        yield kept


@pytest.fixture
def sending(machine: Machine) -> Machine:
    machine.env |= {
        "TRACES_API_KEY": KEY,
        "ONE_TRACES_SINKS": "traces.com,otlp",
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={TOKEN}",
        "ONE_TRACES_FLUSH_TIMEOUT": "30",
    }
    with Store(machine.data / "traces.db") as store:
        store.save(assembly(), sinks=["traces.com", "otlp"])
    return machine


def sent_to(done: Done, sink: str) -> bool:
    return "sent" in {run["state"] for run in done.document["runs"] if run["sink"] == sink}


def to(base: str, way: str) -> dict[str, str]:
    return {"ONE_TRACES_ENDPOINT": base, way: base}


WAYS = ("ONE_TRACES_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


@pytest.mark.parametrize(
    ("host", "way"), [*((host, WAYS[0]) for host in HOSTS), *((HOSTS[0], way) for way in WAYS[1:])]
)
def test_an_untrusted_certificate_is_refused_for_every_spelling_of_a_url(
    sending: Machine, traces_server: FakeTracesServer, host: str, way: str
) -> None:
    done = sending.one("--agent", "trace", "sync", env=to(f"{host}:{traces_server.server_port}", way))
    assert (done.code, done.document["sent"], done.document["error"]["code"]) == (5, 0, "network")
    assert all("certificate" in run["error"] for run in done.document["runs"])
    assert len(done.document["runs"]) == 2
    assert traces_server.seen == []


def test_a_certificate_is_trusted_with_its_authority(
    sending: Machine, traces_server: FakeTracesServer, certificate: Path
) -> None:
    env = to(f"HTTPS://LOCALHOST:{traces_server.server_port}", WAYS[1])
    env |= {"SSL_CERT_FILE": str(certificate.with_suffix(".crt")), "https_proxy": "http://127.0.0.1:1"}
    done = sending.one("--agent", "trace", "sync", env=env)
    sent = {run["sink"] for run in done.document["runs"] if run["state"] == "sent"}
    assert "traces.com" in sent
    shown = {
        value for *_, headers, _ in traces_server.seen for name, value in headers.items() if name in NAMES
    }
    assert shown == {f"Bearer {KEY}", TOKEN}


@contextmanager
def in_the_middle(certificate: Path) -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that intercepts TLS with an untrusted certificate: its URL, and the bytes it could read."""
    read: list[bytes] = []
    context = serving(certificate)

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            read.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with context.wrap_socket(connection, server_side=True) as inside:
                read.append(inside.recv(65536))

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    threading.Thread(target=answer, args=[listening.accept()[0]], daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", read
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy"])
def test_a_proxy_that_intercepts_tls_reads_no_key(sending: Machine, certificate: Path, variable: str) -> None:
    with in_the_middle(certificate) as (proxy, read):
        env = to("HTTPS://nobody.invalid", WAYS[1]) | {variable: proxy}
        done = sending.one("--agent", "trace", "sync", env=env)
    assert done.code == 5
    assert read
    assert all(b"CONNECT nobody.invalid:443" in words for words in read), "the handshake did not end"


@pytest.mark.parametrize(
    "host", ["http://localhost", "HTTP://LOCALHOST.", "http://127.1", "http://[::ffff:127.0.0.1]"]
)
def test_loopback_is_reached_without_a_proxy(sending: Machine, host: str) -> None:
    with fake_traces_server() as kept, fake_traces_server() as proxy:
        everywhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"), proxy.url)
        env = to(f"{host}:{kept.server_port}", WAYS[1]) | everywhere
        done = sending.one("--agent", "trace", "sync", env=env)
        states = {run["sink"]: run["state"] for run in done.document["runs"]}
        assert states["traces.com"] == "sent", done.document
        assert proxy.seen == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "given",
    [{}, {"OTEL_EXPORTER_OTLP_HEADERS": ""}, {"OTEL_EXPORTER_OTLP_HEADERS": "", "query": "?k=hush-hush"}],
    ids=["a header", "nothing", "a query"],
)
def test_no_credential_is_sent_over_plain_http(sending: Machine, way: str, given: dict[str, str]) -> None:
    with fake_traces_server() as proxy:  # stands for a network that everybody can read
        proxy.fault = lambda request: request.raw(200, b"", "application/x-protobuf") or True
        secret = given.get("query", "") or given.get("OTEL_EXPORTER_OTLP_HEADERS", TOKEN)
        env = {way: f"HTTP://collector.invalid:4318{given.get('query', '')}", "http_proxy": proxy.url}
        env |= {"ONE_TRACES_SINKS": "otlp", **{k: v for k, v in given.items() if k != "query"}}
        done = sending.one("--agent", "trace", "sync", env=env)
        if not secret:
            assert (sent_to(done, "otlp"), len(proxy.seen)) == (True, 1)
            return
        assert (done.code, done.document["error"]["code"]) == (4, "not-authorised")
        assert proxy.seen == []
        assert b"hush" not in done.out + done.err
        env["OTEL_EXPORTER_OTLP_INSECURE"] = "true"
        assert sent_to(sending.one("--agent", "trace", "sync", env=env), "otlp")
        assert len(proxy.seen) == 1


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "OTEL_EXPORTER_OTLP_CERTIFICATE"])
def test_a_missing_certificate_file_is_named(sending: Machine, variable: str) -> None:
    env = to("https://nobody.invalid", WAYS[1]) | {
        variable: "/nonexistent/ca.pem",
        "ONE_TRACES_SINKS": "otlp",
    }
    done = sending.one("--agent", "trace", "sync", env=env)
    assert "/nonexistent/ca.pem" in done.document["error"]["message"]


def test_a_key_in_place_of_a_path_is_not_shown(sending: Machine) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nhush-hush\n-----END PRIVATE KEY-----"
    for variable in ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "SSL_CERT_FILE"):
        env = to("https://nobody.invalid", WAYS[1]) | {variable: pem, "ONE_TRACES_SINKS": "otlp"}
        done = sending.one("trace", "sync", "--retry-failed", env=env)
        assert variable.encode() in done.err
        assert b"hush" not in done.out + done.err


@pytest.mark.parametrize(
    "wrong",
    [
        {"ONE_TRACES_ENDPOINT": "http://collector.invalid"},
        {"ONE_TRACES_ENDPOINT": "https://me@collector.invalid"},
        {"ONE_TRACES_SINKS": "otpl"},
        {"ONE_TRACES_UPLOAD": "by hand"},
    ],
    ids=lambda wrong: "".join(wrong),
)
def test_a_wrong_setting_sends_nothing_to_the_default_endpoint(
    machine: Machine, wrong: dict[str, str]
) -> None:
    machine.player("02-linear-unicode")
    with fake_traces_server() as proxy:  # stands for the way to any other server
        machine.env |= {"TRACES_API_KEY": KEY, "https_proxy": proxy.url, **wrong}
        done = machine.one("--agent", "flow", "execute", "x", "--trace")
        doctor = machine.one("trace", "doctor")
        assert done.code == 0
        assert [note["event"] for note in done.notes] == ["trace:trouble", "trace:saved"]
        assert done.notes[1]["uploads"] == []
        assert b"Traceback" not in doctor.err
        assert "ENDPOINT" not in "".join(wrong) or proxy.seen == []
