"""What a line of log costs to assemble, and the OpenTelemetry SDK beside it for as many spans."""

from __future__ import annotations

import time
from collections.abc import Callable

from one_trace.assemble import assemble
from one_trace.record.files import discover
from one_trace.record.reading import read
from one_trace.store import Store
from tests.bench.measure import Bench, Figure
from tests.bench.records import RUN, write_abreast

ITERATIONS = 25_000
"""Four events each: a record of 100,000."""


def assembling(bench: Bench) -> list[Figure]:
    """Microseconds of the processor a line, one and ten iterations concurrent; and for twice the lines."""
    figures = []
    for concurrent, bar in ((1, 15), (10, 40)):
        events, whole = _cost(bench, ITERATIONS, concurrent)
        _, half = _cost(bench, ITERATIONS // 2, concurrent)
        each = whole / events * 1e6
        figures.append(
            Figure(f"assemble, {concurrent} concurrent", each, "us/event (cpu)", bar, f"{events:,} events")
        )
        figures.append(Figure("  twice the events", whole / half, "x that (cpu)", 2.2, ""))
    return figures


def beside_the_sdk(bench: Bench) -> Figure:
    """Assembling and storing a run, against the SDK's BatchSpanProcessor with a no-op exporter."""
    project = bench.folder("beside")
    write_abreast(project, ITERATIONS, 1)
    (files,) = discover([project])[0]
    spans = len(assemble(read(files)).trace.spans)

    def ours() -> None:
        path = bench.folder("beside-store") / "traces.db"
        path.unlink(missing_ok=True)
        with Store(path) as store:
            store.save(assemble(read(files)))

    mine, theirs = _least(bench, ours), _least(bench, lambda: _sdk(spans))
    detail = f"{mine:.2f} s to {theirs:.2f} s, the same attributes"
    return Figure("assemble and store, 50,000 spans", mine / theirs, "x OTel SDK (cpu)", 1.0, detail)


def _cost(bench: Bench, iterations: int, concurrent: int) -> tuple[int, float]:
    project = bench.folder(f"concurrent-{concurrent}-{iterations}")
    events = write_abreast(project, iterations, concurrent)
    (files,) = discover([project])[0]
    record = read(files)
    return events, _least(bench, lambda: assemble(record))


def _least(bench: Bench, work: Callable[[], object]) -> float:
    took = []
    for _ in range(bench.repeat):
        before = time.process_time()
        work()
        took.append(time.process_time() - before)
    return min(took)


def _sdk(spans: int) -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Nowhere(SpanExporter):
        def export(self, spans: object) -> SpanExportResult:
            return SpanExportResult.SUCCESS

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere(), max_queue_size=2 * spans))
    tracer = provider.get_tracer("bench")
    for number in range(spans):
        with tracer.start_as_current_span("step") as span:
            span.set_attributes(
                {
                    "one.flow.key": "looped",
                    "one.run.id": RUN,
                    "one.step.id": "s0",
                    "one.step.name": "S0",
                    "one.step.type": "code",
                    "one.step.path": f"looped > big[{number}] > s0",
                    "one.step.status": "success",
                    "one.step.iteration": number,
                    "one.step.index": 0,
                    "one.step.parent_attempt": 1,
                    "one.step.attempts": 1,
                    "one.step.input_bytes": 0,
                    "one.step.output_bytes": number,
                }
            )
    provider.shutdown()
