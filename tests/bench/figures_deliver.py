"""Figures of delivery: a long run to a server on loopback, beside what OpenTelemetry's own exporter takes for
as many spans to the same server.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from unittest.mock import patch

from one_trace.deliver.retry import Deadline
from one_trace.deliver.sender import Sender
from one_trace.settings.sources import load
from one_trace.store import Store
from one_trace.store.outbox import Outbox
from tests.bench.history import fill, one_run
from tests.bench.measure import Bench, Figure

SPANS = 10_000
QUEUED = 5_005
BATCH = 512
"""What the exporter's own batch processor sends at once."""
KEY = "trk_0123456789abcdef"
ATTRIBUTES = {
    "one.step.seq": 52,
    "one.step.static_path": "bench > each > ask",
    "one.step.self_ms": 900,
    "cicd.pipeline.task.name": "Ask",
    "cicd.pipeline.task.run.id": "0000000000000034",
    "cicd.pipeline.task.run.result": "success",
    "one.step.id": "ask",
    "one.step.type": "bash",
    "one.step.path": "bench > each[17] > ask",
    "one.step.status": "success",
    "one.step.index": 1,
    "one.step.parent_attempt": 1,
    "one.step.attempts": 1,
    "one.step.output_bytes": 1234,
}
"""Of a step, and the iteration: what is sent by OTLP of a step in a loop."""
ANSWER = b'{"ok":true,"data":{"trace":{"id":"x"}}}'


def delivery(bench: Bench) -> Figure:
    """Seconds to send a stored run of 10,000 spans, unfolded, over those of the OTLP exporter."""
    return _beside_exporter(bench, "traces.com", "delivering 10,000 spans", 1.5)


def delivery_by_otlp(bench: Bench) -> Figure:
    """The same by OTLP, where both send the same."""
    return _beside_exporter(bench, "otlp", "  by OTLP", 0.65)


def _beside_exporter(bench: Bench, sink: str, name: str, bar: float) -> Figure:
    path = bench.folder("delivered") / "traces.db"
    path.unlink(missing_ok=True)
    fill(path, [one_run(SPANS, run_id="sent")])
    with _server() as url:
        exported = _exporter(url)
        rounds = [(_ours(path, url, sink), exported()) for _ in range(bench.repeat + 1)][1:]
    ours, theirs = (min(column) for column in zip(*rounds, strict=True))
    detail = f"{ours * 1000:.0f} ms to {theirs * 1000:.0f} ms"
    return Figure(name, ours / theirs, "x OTLP exporter", bar, detail)


def queued(bench: Bench) -> list[Figure]:
    """Sending what a server that was down has left behind: the rate, and the time for twice as many runs."""
    with _server() as url:
        less, more = (_syncing(bench, count, url) for count in (QUEUED // 2, QUEUED))
    detail = f"{more:.1f} s to {less:.1f} s"
    return [
        Figure(f"sync, {QUEUED:,} queued runs", more / QUEUED * 1000, "ms each", None, detail),
        Figure("  twice the runs", more / less, "x that", 2.3, detail),
    ]


def _syncing(bench: Bench, count: int, url: str) -> float:
    data = bench.folder(f"queued-{count}")
    path = data / "traces.db"
    path.unlink(missing_ok=True)
    fill(path, (one_run(5, run_id=f"{number:012x}") for number in range(count)))
    with Store(path) as store:
        Outbox(store).queue_since(0, ["traces.com"])
    env = bench.env | {"TRACES_API_KEY": KEY, "ONE_TRACES_ENDPOINT": url, "ONE_TRACES_DATA_DIR": str(data)}
    return bench.time([bench.one, "--agent", "trace", "sync"], env).wall


def _ours(path: Path, url: str, name: str) -> float:
    env = {
        "TRACES_API_KEY": KEY,
        "ONE_TRACES_ENDPOINT": url,
        "ONE_TRACES_OTLP_ENDPOINT": url,
        "ONE_TRACES_SINKS": name,
        "ONE_TRACES_DATA_DIR": str(path.parent),
    }
    whole = patch("one_trace.deliver.messages.CONDENSE_OVER", 1 << 30)
    with patch.dict(os.environ, env), whole, Store(path) as store, Sender(store, load()) as sender:
        sender.outbox.again("sent", name)
        begin = time.perf_counter()
        outcome = sender.send(name, Deadline(120))
        took = time.perf_counter() - begin
    if outcome is None or outcome.problem:
        raise RuntimeError(f"not delivered: {outcome}")
    return took


def _exporter(url: str) -> Callable[[], float]:
    """Sends as many spans, with as many attributes as ours have, in batches as its batch processor does."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExportResult

    tracer = TracerProvider().get_tracer("bench")
    spans: list[ReadableSpan] = []
    for number in range(SPANS):
        with tracer.start_as_current_span("ask", attributes=ATTRIBUTES) as span:
            span.set_attribute("one.step.iteration", number)
        assert isinstance(span, ReadableSpan)
        spans.append(span)
    exporter = OTLPSpanExporter(endpoint=f"{url}/v1/traces")

    def once() -> float:
        begin = time.perf_counter()
        for start in range(0, SPANS, BATCH):
            if exporter.export(spans[start : start + BATCH]) is not SpanExportResult.SUCCESS:
                raise RuntimeError("not exported")
        return time.perf_counter() - begin

    return once


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _any(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b"" if self.path == "/v1/traces" else ANSWER
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_POST = _any

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def _serve(reported: Connection) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    reported.send(server.server_port)
    server.serve_forever()


@contextmanager
def _server() -> Iterator[str]:
    """A server in a process of its own, so that it takes no time of ours."""
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=[theirs], daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()
