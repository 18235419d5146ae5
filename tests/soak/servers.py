"""Every kind of server behaviour, by both sinks: the run is as it was and ends in time, and once the server
is well everything arrives."""

from __future__ import annotations

import gzip
import json
import shutil
import socket
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb

from tests.machine import Done, Machine
from tests.soak.behaviours import BEHAVIOURS, SENT, Behaviour
from tests.soak.scene import CASE, RUN, Options, call, document, same_output, stage, system
from tests.soak.tally import Tally
from tests.soak.wire import wired
from tests.traces_server import KEY, FakeTracesServer, Handler, fake_traces_server

FLUSH_S = 1.0
GRACE_S = 8.0
"""Beyond the flush time-out and what the run takes untraced: start-up and save, on a busy machine."""
LONGEST_WAIT_MS = 25 * 3_600_000
TAKEN = "answered 200 or 204 in other words than OTLP's: the specification counts that as accepted"
_OTLP_KEY = "otlp-0123456789abcdef0123456789"


class Collector:
    """A collector that is well: how often it got each span, by trace."""

    def __init__(self) -> None:
        self.spans: dict[str, Counter[str]] = {}

    def __call__(self, request: Handler) -> bool:
        packed = request.headers.get("Content-Encoding") == "gzip"
        data = gzip.decompress(request.body) if packed else request.body
        for of_resource in pb.ExportTraceServiceRequest.FromString(data).resource_spans:
            for span in of_resource.scope_spans[0].spans:
                self.spans.setdefault(span.trace_id.hex(), Counter())[span.span_id.hex()] += 1
        request.raw(200, b"", "application/x-protobuf")
        return True


def play(options: Options, tally: Tally) -> None:
    chosen = BEHAVIOURS[: options.times(len(BEHAVIOURS))]
    tally.notes.append(f"{len(chosen)} kinds of behaviour")
    with _certificate(tally) as certificate, ThreadPoolExecutor(options.workers) as pool:
        tries = [
            pool.submit(_try, each, sink, certificate, tally)
            for each in chosen
            if certificate or not each.tls
            for sink in ("traces.com", "otlp")
        ]
        for each in tries:
            each.result()


@contextmanager
def _certificate(tally: Tally) -> Iterator[str | None]:
    """A certificate that nobody has signed, with its key."""
    openssl = shutil.which("openssl")
    with tempfile.TemporaryDirectory(prefix="one-trace-soak-") as folder:
        path = Path(folder, "both.pem")
        if openssl is None:
            tally.notes.append("no openssl: the behaviours with TLS are left out")
            yield None
            return
        argv = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        argv += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        argv += ["-keyout", str(path), "-out", f"{path}.crt"]
        system(*argv)
        path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
        yield str(path)


def _try(behaviour: Behaviour, sink: str, certificate: str | None, tally: Tally) -> None:
    what = f"{behaviour.name} ({sink})"
    with stage(CASE) as machine:
        begun = time.monotonic()
        plain = call(machine, tally, *RUN[:-1], "--no-trace")
        bound = time.monotonic() - begun + FLUSH_S + GRACE_S
        tally.ran()
        with wired(behaviour.behave, certificate if behaviour.tls else None, deaf=behaviour.deaf) as wire:
            port = _closed_port() if behaviour.closed else wire.port
            _aim(machine, sink, f"{behaviour.scheme}://127.0.0.1:{port}")
            begun = time.monotonic()
            done = call(machine, tally, *RUN)
            took = time.monotonic() - begun
        if plain is None or done is None:
            return
        if took > bound:
            tally.add("hangs", f"{what}: the run took {took:.1f} s, {bound:.1f} s were enough")
        state = _judge(machine, behaviour, sink, plain, done, tally)
        if state is not None:
            _make_up(machine, what, sink, state, tally)


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _aim(machine: Machine, sink: str, url: str) -> None:
    machine.env |= {"ONE_TRACES_SINKS": sink, "ONE_TRACES_FLUSH_TIMEOUT": str(FLUSH_S)}
    if sink == "otlp":
        machine.env |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"x-api-key={_OTLP_KEY}",
        }
    else:
        machine.env |= {"TRACES_API_KEY": KEY, "ONE_TRACES_ENDPOINT": url}


def _judge(
    machine: Machine, behaviour: Behaviour, sink: str, plain: Done, done: Done, tally: Tally
) -> str | None:
    """The state of the upload, once the run has been compared with the untraced one."""
    what = f"{behaviour.name} ({sink})"
    if done.code != plain.code or not same_output(done.out, plain.out):
        tally.add("codes", f"{what}: exit {done.code} for {plain.code}, or another output")
    _secrets(machine, what, done, tally)
    notes = [note for note in done.notes if note["event"] == "trace:saved"]
    if len(notes) != 1 or len(notes[0]["uploads"]) != 1:
        tally.add("lost", f"{what}: {done.err[:300]!r}")
        return None
    state = notes[0]["uploads"][0]["state"]
    right = behaviour.otlp if sink == "otlp" else behaviour.traces
    if state not in right:
        tally.add("other", f"{what}: {state}, which should be {' or '.join(sorted(right))}")
    elif state == "sent" and right - SENT:
        tally.explain(TAKEN)
    _waits(machine, what, tally)
    return str(state)


def _secrets(machine: Machine, what: str, done: Done, tally: Tally) -> None:
    kept = b"".join(path.read_bytes() for path in machine.data.rglob("*") if path.is_file())
    for place, data in (("stderr", done.err), ("the store", kept)):
        for key in (KEY, _OTLP_KEY):
            if key.encode() in data:
                tally.add("other", f"{what}: the key is in {place}")


def _waits(machine: Machine, what: str, tally: Tally) -> None:
    """Nobody is waited for longer than a day."""
    with closing(sqlite3.connect(machine.data / "traces.db")) as connection:
        (latest,) = connection.execute("SELECT max(next_try_ms) FROM outbox").fetchone()
    if (latest or 0) > time.time() * 1000 + LONGEST_WAIT_MS:
        tally.add("other", f"{what}: the next try is in {(latest / 1000 - time.time()) / 86400:.0f} days")


def _make_up(machine: Machine, what: str, sink: str, state: str, tally: Tally) -> None:
    """The server is well again: what is left arrives, once."""
    collector = Collector()
    with fake_traces_server() as traces_server:
        if sink == "otlp":
            traces_server.fault = collector
        _aim(machine, sink, traces_server.url)
        again = ["--retry-failed"] if state == "failed" else []
        synced = call(machine, tally, "--agent", "trace", "sync", *again)
        report = document(synced) if synced is not None else None
        if report is None or synced is None or synced.code != 0:
            tally.add("lost", f"{what}: sync says {synced.out[:300] if synced else None!r}")
        elif report["sent"] != (state != "sent"):
            tally.add("lost", f"{what}: sync has sent {report['sent']} of a run that was {state}")
        elif state != "sent":
            _arrived(machine, what, sink, traces_server, collector, tally)


def _arrived(
    machine: Machine,
    what: str,
    sink: str,
    traces_server: FakeTracesServer,
    collector: Collector,
    tally: Tally,
) -> None:
    listed = call(machine, tally, "--agent", "trace", "list", "--full")
    (run,) = json.loads(listed.out)["runs"] if listed is not None else [{}]
    steps = run["counts"]["spans"]
    if sink == "otlp":
        got = collector.spans.get(run["traceId"], Counter())
        whole, doubled = len(got) == steps + 1, max(got.values(), default=0) > 1
    else:
        got = [message for trace in traces_server.messages for message in traces_server.in_order(trace)]
        orders = [message["order"] for message in got]
        calls = [message for message in got if message["parts"][0]["type"] == "tool_call"]
        whole, doubled = len(calls) == steps, orders != list(range(1, len(orders) + 1))
    if not whole:
        tally.add("lost", f"{what}: {len(got)} of it arrived")
    if doubled:
        tally.add("doubled", f"{what}: a part arrived twice")
