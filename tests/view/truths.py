"""Traces for tests of the views: from the recordings' truth.json (no assembler needed), and made up."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

from one_trace.model.trace import Cause, Counts, Executor, Run, Span, Trace

RECORDINGS = Path(__file__).parent.parent / "recordings"


def iso(ms: float) -> str:
    moment = datetime.fromtimestamp(int(ms) / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def recorded(case: str, number: int = 0) -> Trace:
    """The `number`th run of a recording as a perfect assembler would tell it."""
    folder = RECORDINGS / case
    path = folder / "truth.json"
    text = (
        path.read_text("utf-8")
        if path.exists()
        else gzip.decompress((folder / "truth.json.gz").read_bytes()).decode()
    )
    truth = json.loads(text)["runs"][number]
    errors = _errors(folder, truth["runId"])
    spans = [_span(raw, truth["startedMs"], errors) for raw in truth["spans"]]
    order = {None: -1, **{span.span_id: at for at, span in enumerate(spans)}}
    spans.sort(key=lambda span: (span.start_ms, span.path.count(" > "), order[span.span_id]))
    spans = _parents_first(spans)
    raised = {raw["path"] for raw in truth["spans"] if raw["raised"]}
    run = Run(
        run_id=truth["runId"],
        trace_id=hashlib.sha256(truth["runId"].encode()).hexdigest()[:32],
        flow_key=truth["flowKey"],
        status=truth["status"],
        started_at=iso(truth["startedMs"]),
        ended_at=iso(truth["endedMs"]) if truth["endedMs"] else None,
        duration_ms=truth["endedMs"] - truth["startedMs"] if truth["endedMs"] else None,
        executor=Executor(name="one-cli", version="1.52.1"),
        counts=counts(spans),
    )
    if run.status == "error" and spans:
        run.cause = _cause(spans, raised)
    return Trace(run=run, spans=spans)


def counts(spans: list[Span]) -> Counts:
    reported = Counts(spans=len(spans), retries=sum(span.retries for span in spans))
    for span in spans:
        setattr(reported, span.status, getattr(reported, span.status) + 1)
    return reported


def _errors(folder: Path, run_id: str) -> dict[str, str]:
    log = next((path for path in (folder / "logs").iterdir() if run_id in path.name), None)
    if log is None:
        return {}
    data = gzip.decompress(log.read_bytes()) if log.suffix == ".gz" else log.read_bytes()
    lines = [json.loads(line) for line in data.split(b"\n") if line]
    return {line["stepId"]: line["error"] for line in lines if line.get("event") == "step:error"}


def _span(raw: dict, started: float, errors: dict[str, str]) -> Span:
    failed = raw["status"] in ("error", "timeout")
    error = errors.get(raw["stepId"]) if failed and raw["raised"] else None
    return Span(
        span_id=f"{raw['span']:016x}",
        parent_span_id=None if raw["parent"] is None else f"{raw['parent']:016x}",
        step_id=raw["stepId"],
        name=raw["name"],
        type=raw["type"],
        flow_key=raw["flowKey"],
        path=raw["path"],
        iteration=raw["iteration"],
        branch=raw["branch"],
        index=raw["index"],
        parent_attempt=raw["parentAttempt"],
        attempts=raw["attempts"],
        retries=raw["retries"],
        status=raw["status"],
        started_at=iso(raw["startMs"]),
        start_ms=round(raw["startMs"] - started, 3),
        duration_ms=raw["durationMs"],
        output_bytes=raw["outputBytes"],
        error=error or ("step failed" if failed else None),
        error_code="TIMEOUT" if raw["status"] == "timeout" or raw.get("statusAlso") else None,
        late=raw["late"],
        derived=[] if raw["events"] else ["startMs", "durationMs"],
    )


def _parents_first(spans: list[Span]) -> list[Span]:
    """In order of start; a span that seems to start before its parent waits for it."""
    done: set[str | None] = {None}
    ordered: list[Span] = []
    waiting = list(spans)
    while waiting:
        late = []
        for span in waiting:
            if span.parent_span_id in done:
                ordered.append(span)
                done.add(span.span_id)
            else:
                late.append(span)
        assert len(late) < len(waiting)
        waiting = late
    return ordered


def _cause(spans: list[Span], raised: set[str]) -> Cause:
    threw = [span for span in spans if span.path in raised]
    parents = {span.parent_span_id for span in threw}
    deepest = next((span for span in threw if span.span_id not in parents), spans[-1])
    above = {span.path for span in spans if deepest.path.startswith(span.path)}
    running = [span.path for span in spans if span.status == "incomplete" and span.path not in above]
    return Cause(
        span_id=deepest.span_id,
        path=deepest.path,
        error=deepest.error,
        error_code=deepest.error_code,
        attempts=deepest.attempts,
        still_running=running,
    )


class Maker:
    """Makes spans for a made-up trace: ids by number, everything else by default."""

    def __init__(self, flow: str = "main") -> None:
        self.flow = flow
        self.spans: list[Span] = []

    def add(
        self, step: str, start: float, duration: float | None, parent: Span | None = None, **more: object
    ) -> Span:
        iteration = more.get("iteration")
        above = parent.path if parent else self.flow
        at = f"[{iteration}]" if iteration is not None else ""
        given = {
            "span_id": f"{len(self.spans) + 1:016x}",
            "parent_span_id": parent.span_id if parent else None,
            "step_id": step,
            "name": step,
            "type": "code",
            "flow_key": self.flow,
            "path": f"{above}{at} > {step}",
            "status": "success",
            "started_at": iso(1_795_361_000_000 + start),
            "start_ms": start,
            "duration_ms": duration,
            "parent_attempt": 1 if parent else None,
            "index": 0,
        }
        self.spans.append(Span(**{**given, **more}))
        return self.spans[-1]

    def trace(self, status: str = "success", duration: float | None = None, **more: object) -> Trace:
        ends = [span.start_ms + (span.duration_ms or 0) for span in self.spans]
        took = max(ends, default=0.0) if duration is None else duration
        given = {
            "run_id": "0123456789ab",
            "trace_id": "0123456789abcdef0123456789abcdef",
            "flow_key": self.flow,
            "status": status,
            "started_at": iso(1_795_361_000_000),
            "ended_at": iso(1_795_361_000_000 + took),
            "duration_ms": took,
            "executor": Executor(name="one-cli", version="1.52.1"),
            "counts": counts(self.spans),
        }
        return Trace(run=Run(**{**given, **more}), spans=self.spans)


def big(iterations: int = 3333) -> Trace:
    """A loop of `iterations` over a sub-flow of two steps: 3 spans each; one fails, one is retried."""
    made = Maker()
    loop = made.add("each", 2.0, iterations * 10.0, type="loop", name="For each item")
    for number in range(iterations):
        at = 2.0 + number * 10
        bad = number == iterations // 2
        status = "error" if bad else "success"
        call = made.add("call", at, 9.0, loop, type="flow", iteration=number, status=status)
        made.add("fetch", at + 1, 3.0, call, output_bytes=120, flow_key="sub")
        made.add(
            "store",
            at + 4,
            4.0,
            call,
            flow_key="sub",
            status=status,
            error="no space left" if bad else None,
            attempts=3 if number == 7 else 1,
            retries=2 if number == 7 else 0,
        )
    return made.trace()
