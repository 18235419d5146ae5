"""Traces made by hand, for tests of what comes after the assembler."""

from __future__ import annotations

import itertools

from one_trace.model.times import to_iso
from one_trace.model.trace import Assembly, Counts, Executor, Run, Span, Trace, Usage

START_MS = 1_775_469_720_000
_numbers = itertools.count(1 << 60)


def span(step: str, parent: Span | None = None, *, flow: str = "my-flow", **fields: object) -> Span:
    """A successful span of 10 ms; `fields` override the defaults."""
    start = float(fields.pop("start_ms", 0.0))
    iteration = fields.get("iteration")
    above = (parent.path if parent else flow) + (f"[{iteration}]" if iteration is not None else "")
    return Span(
        **{
            "span_id": f"{next(_numbers):016x}",
            "parent_span_id": parent.span_id if parent else None,
            "step_id": step,
            "name": step.capitalize(),
            "type": "transform",
            "flow_key": flow,
            "path": f"{above} > {step}",
            "index": 0,
            "status": "success",
            "started_at": to_iso(START_MS + start),
            "start_ms": start,
            "duration_ms": 10.0,
            **fields,
        }
    )


def assembly(run_id: str = "00000000000a", spans: list[Span] | None = None, **fields: object) -> Assembly:
    spans = [span("first"), span("second", start_ms=10.0)] if spans is None else spans
    counts = Counts(spans=len(spans), retries=sum(each.retries for each in spans))
    for each in spans:
        setattr(counts, each.status, getattr(counts, each.status) + 1)
    start = int(fields.pop("start", START_MS))
    run = Run(
        **{
            "run_id": run_id,
            "trace_id": f"{int(run_id, 16):032x}",
            "flow_key": "my-flow",
            "status": "success",
            "started_at": to_iso(start),
            "ended_at": to_iso(start + 20),
            "duration_ms": 20.0,
            "executor": Executor(name="one-cli", version="1.52.1"),
            "cwd": "/home/somebody/project",
            "input_bytes": 2,
            "counts": counts,
            **fields,
        }
    )
    return Assembly(
        trace=Trace(run=run, spans=spans),
        flow_version="v1",
        step_timeouts={"my-flow > first": 1000.0},
        static_paths=["my-flow > first", "my-flow > second"],
        input_count=2,
    )


def loop(count: int, *, run_id: str = "00000000000a") -> Assembly:
    """A run of one loop with `count` iterations of one step."""
    each = span("each", type="loop", duration_ms=float(count))
    inner = [span("step", each, iteration=i, start_ms=float(i), duration_ms=1.0) for i in range(count)]
    return assembly(run_id, [each, *inner])


USAGE = Usage(
    input_tokens=10,
    output_tokens=5,
    cache_read_tokens=2,
    cache_write_tokens=1,
    cost_usd=0.25,
    turns=3,
    models=["claude-sonnet-4"],
    sessions=["s-1"],
)
