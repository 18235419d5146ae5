"""A store full of runs that never happened: as many as wanted, all the same from one seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

from one_trace.model.times import to_iso
from one_trace.model.trace import Assembly, Counts, Executor, Run, Span, SpanStatus, Trace, Usage
from one_trace.store import Store

FLOWS = 20
SPANS = 100
END_MS = 1_790_000_000_000
"""When the newest run starts, unless told otherwise."""
EVERY_MS = 600_000
BODY = (("detail", "action", 40.0), ("summarise", "bash", 900.0), ("score", "transform", 2.0))
WARM = tuple(f"warm{i}" for i in range(6))


class Draft:
    """One run in the making: a clock, and the spans so far."""

    def __init__(self, number: int, random: Random, end_ms: int, total: int, flows: int = FLOWS) -> None:
        self.flow = f"flow-{number % flows:02d}"
        self.run_id = hashlib.blake2b(str(number).encode(), digest_size=6).hexdigest()
        self.started_ms = end_ms - (total - number) * EVERY_MS
        self.random = random
        self.now = 1.0
        self.spans: list[Span] = []

    def span(
        self,
        step: str,
        kind: str,
        typical_ms: float,
        *,
        parent: Span | None = None,
        iteration: int | None = None,
        status: SpanStatus = "success",
        retries: int = 0,
        usage: Usage | None = None,
        start: float | None = None,
        index: int = 0,
    ) -> Span:
        """Add a span that starts now (or at `start`) and took about `typical_ms`."""
        lead = self.flow if parent is None else parent.path
        where = f"{lead}[{iteration}]" if iteration is not None else lead
        begin = self.now if start is None else start
        took = None if status == "skipped" else round(self.random.lognormvariate(0, 0.3) * typical_ms)
        span = Span(
            span_id=f"{len(self.spans) + 1:016x}",
            parent_span_id=parent.span_id if parent else None,
            step_id=step,
            name=step.title(),
            type=kind,
            flow_key=self.flow,
            path=f"{where} > {step}",
            iteration=iteration,
            index=index,
            parent_attempt=1 if parent else None,
            attempts=retries + 1,
            retries=retries,
            status=status,
            started_at=to_iso(self.started_ms + begin),
            start_ms=begin,
            duration_ms=took,
            output_bytes=None if status == "skipped" else self.random.randrange(20, 4000),
            error_code="HTTP_503" if status == "error" else None,
            usage=usage,
        )
        self.spans.append(span)
        self.now = max(self.now, begin + (took or 0))
        return span

    def close(self, span: Span) -> None:
        """A container ends when what is in it has ended."""
        span.duration_ms = round(self.now - span.start_ms)


def runs(count: int, *, flows: int = FLOWS, end_ms: int = END_MS, seed: int = 7) -> Iterator[Assembly]:
    """`count` runs of so many flows, 100 spans of 25 steps each, oldest first."""
    random = Random(seed)
    for number in range(count):
        yield _run(Draft(number, random, end_ms, count, flows))


def fill(path: Path, assemblies: Iterable[Assembly]) -> None:
    """Save runs through the store's own door."""
    with Store(path) as store:
        # A bench may lose its store in a power cut.
        store.connection.execute("PRAGMA synchronous = OFF")
        for assembly in assemblies:
            store.save(assembly)
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def one_run(spans: int, *, run_id: str = "bench", slower: float = 1.0) -> Assembly:
    """One run with that many spans, most of them in a loop of three steps."""
    draft = Draft(0, Random(spans), END_MS, 1)
    draft.run_id = run_id
    loop = draft.span("each", "loop", 0)
    for i in range((spans - 2) // len(BODY)):
        for index, (step, kind, typical) in enumerate(BODY):
            draft.span(step, kind, typical * slower, parent=loop, iteration=i, index=index)
    draft.close(loop)
    for number in range(spans - len(draft.spans)):
        draft.span(f"last{number}", "transform", 3)
    return _assembly(draft)


def flat_run(steps: int, number: int) -> Assembly:
    """A run of so many different steps, one after the other."""
    draft = Draft(number, Random(number), END_MS, steps, 1)
    for at in range(steps):
        draft.span(f"step-{at:04d}", "action", 100, index=at)
    return _assembly(draft)


def _run(draft: Draft) -> Assembly:
    random = draft.random
    for step in WARM:
        draft.span(step, "transform", 1)
    draft.span("fetch", "action", 300, retries=int(random.random() < 0.1))
    draft.span("pick", "code", 5)
    _each(draft)
    _gather(draft)
    _refine(draft)
    store = draft.span("store", "flow", 0)
    draft.span("save", "file-write", 4, parent=store)
    draft.span("check", "file-read", 3, parent=store)
    draft.close(store)
    draft.span("report", "code", 20)
    draft.span("notify", "action", 200, status="error" if random.random() < 0.04 else "success")
    draft.span("archive", "transform", 0, status="skipped")
    return _assembly(draft)


def _each(draft: Draft) -> None:
    """A sequential loop: the place where such flows spend their time and money."""
    loop = draft.span("each", "loop", 0)
    for i in range(20):
        for index, (step, kind, typical) in enumerate(BODY):
            usage = _usage(draft.random) if kind == "bash" else None
            draft.span(step, kind, typical, parent=loop, iteration=i, usage=usage, index=index)
    draft.close(loop)


def _gather(draft: Draft) -> None:
    """A parallel block with one branch that is slower than the others."""
    block = draft.span("gather", "parallel", 0)
    begin = draft.now
    for index, (step, typical) in enumerate((("mail", 90.0), ("tickets", 110.0), ("news", 700.0))):
        draft.span(step, "action", typical, parent=block, start=begin, index=index)
    draft.close(block)


def _refine(draft: Draft) -> None:
    """A concurrent loop."""
    loop = draft.span("refine", "loop", 0)
    begin = draft.now
    for i in range(10):
        polish = draft.span("polish", "code", 60, parent=loop, iteration=i, start=begin)
        end = begin + (polish.duration_ms or 0)
        draft.span("gate", "transform", 1, parent=loop, iteration=i, start=end, index=1)
    draft.close(loop)


def _usage(random: Random) -> Usage:
    read, written = random.randrange(500, 4000), random.randrange(50, 600)
    model = "claude-sonnet-4" if random.random() < 0.8 else "claude-haiku-4"
    cost = round(read * 3e-6 + written * 15e-6, 6)
    return Usage(input_tokens=read, output_tokens=written, cost_usd=cost, turns=1, models=[model])


def _assembly(draft: Draft) -> Assembly:
    failed = any(span.status == "error" for span in draft.spans)
    run = Run(
        run_id=draft.run_id,
        trace_id=hashlib.blake2b(draft.run_id.encode(), digest_size=16).hexdigest(),
        flow_key=draft.flow,
        status="error" if failed else "success",
        started_at=to_iso(draft.started_ms),
        ended_at=to_iso(draft.started_ms + draft.now),
        duration_ms=draft.now,
        executor=Executor(name="one-cli", version="1.52.1"),
        counts=_counts(draft.spans),
        usage=_total([span.usage for span in draft.spans if span.usage]),
    )
    paths = dict.fromkeys(_static(draft.spans))
    return Assembly(
        trace=Trace(run=run, spans=draft.spans),
        flow_version="v1",
        static_paths=[*paths, f"{draft.flow} > rescue"],
        step_timeouts={f"{draft.flow} > fetch": 600.0},
    )


def _static(spans: list[Span]) -> Iterator[str]:
    paths: dict[str | None, str] = {}
    for span in spans:
        lead = paths.get(span.parent_span_id, span.flow_key)
        paths[span.span_id] = f"{lead} > {span.step_id}"
        yield paths[span.span_id]


def _counts(spans: list[Span]) -> Counts:
    counts = Counts(spans=len(spans), retries=sum(span.retries for span in spans))
    for span in spans:
        setattr(counts, span.status, getattr(counts, span.status) + 1)
    return counts


def _total(usages: list[Usage]) -> Usage | None:
    if not usages:
        return None
    return Usage(
        input_tokens=sum(usage.input_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
        cost_usd=sum(usage.cost_usd or 0 for usage in usages),
        turns=len(usages),
        models=sorted({model for usage in usages for model in usage.models}),
    )
