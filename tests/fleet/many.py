"""Thousands of small runs of every kind: versions, tags, sessions, failures, retries, LLM calls."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from made import START_MS, assembly, span

from one_trace.model.times import to_iso
from one_trace.model.trace import Assembly, Exit, ModelUsage, PlannedStep, Session, Span, Usage

MINUTE = 60_000
MODELS = ("claude-sonnet-4", "claude-haiku-4", "gpt-5")


def runs(count: int, seed: int = 1) -> Iterator[Assembly]:
    random = Random(seed)
    for number in range(count):
        yield _run(number, random)


def _run(number: int, random: Random) -> Assembly:
    flow = f"flow-{number % 5}"
    version = f"v{number // 700}"
    spans = list(_spans(flow, number, random))
    failed = any(each.status in ("error", "timeout") for each in spans)
    status = "incomplete" if random.random() < 0.01 else "error" if failed else "success"
    end = max(each.start_ms + (each.duration_ms or 0) for each in spans)
    start = START_MS + number * MINUTE // 2
    made = assembly(
        f"{number:011x}a",
        spans,
        flow_key=flow,
        start=start,
        status=status,
        duration_ms=None if status == "incomplete" else end - random.choice((0.0, 0.0, 4.0)),
        ended_at=None if status == "incomplete" else to_iso(start + end),
        usage=_total(spans),
        tags={"env": random.choice(("prod", "dev"))} if number % 3 else {},
        session=Session(agent="codex", session_id=f"s-{number % 7}") if number % 4 == 0 else None,
        parent_run_id=f"{number - 1:011x}a" if number % 11 == 10 else None,
        exit=Exit(code=int(failed), duration_ms=int(end) + 30),
        cwd="/home/somebody/project",
    )
    made.flow_version = version
    paths = [f"{flow} > {path}" for path in ("fetch", "each", "each > ask", "save", f"only-{version}")]
    made.static_paths = paths
    made.step_timeouts = {paths[0]: 1000.0}
    made.plan = [_planned(path, flow) for path in paths]
    made.model_parts = {
        each.span_id: _parts(each.usage) for each in spans if each.usage and len(each.usage.models) > 1
    }
    return made


def _planned(path: str, flow: str) -> PlannedStep:
    ask = path.endswith("ask")
    return PlannedStep(
        path=path,
        type="bash" if ask else "action",
        flow_key=flow,
        timeout_ms=1000.0 if path.endswith("fetch") else None,
        calls="claude" if ask else None,
    )


def _spans(flow: str, number: int, random: Random) -> Iterator[Span]:
    slow = 3 if number > 1500 else 1
    ms = round(random.lognormvariate(5, 0.4) * slow, 3)
    code = random.choice((None, None, None, None, None, None, "HTTP_503", "E_TIMEOUT"))
    retries = random.choice((0, 0, 0, 2))
    yield span(
        "fetch",
        flow=flow,
        type="action",
        duration_ms=ms,
        status="error" if code and number % 2 else "success",
        error_code=code if number % 2 else None,
        retries=retries,
        attempts=retries + 1,
        output_bytes=random.randrange(100_000),
    )
    attempts = random.choice((1, 1, 1, 2))
    each = span(
        "each", flow=flow, type="loop", start_ms=ms, duration_ms=90.0, retries=attempts - 1, attempts=attempts
    )
    yield each
    for place in range(random.randrange(4)):
        yield span(
            "ask",
            each,
            flow=flow,
            type="bash",
            iteration=place,
            parent_attempt=random.randrange(attempts) + 1,
            start_ms=ms + place * random.choice((20, 40)),
            duration_ms=30.0,
            usage=_usage(random),
            status=random.choice(("success", "success", "success", "timeout")),
            late=random.random() < 0.1,
        )
    missing = random.random() < 0.1
    yield span(
        "save",
        flow=flow,
        type="file-write",
        start_ms=ms + 95,
        status="skipped" if missing else "success",
        duration_ms=None if missing else random.randrange(1, 9) / 3,
    )


def _usage(random: Random) -> Usage | None:
    if random.random() < 0.2:
        return None
    return Usage(
        input_tokens=random.randrange(5000),
        output_tokens=random.randrange(500),
        cache_read_tokens=random.choice((0, 300)),
        cost_usd=random.choice((None, round(random.random(), 6))),
        turns=random.randrange(3),
        models=random.sample(MODELS, random.choice((1, 1, 1, 2))),
    )


def _parts(usage: Usage) -> dict[str, ModelUsage]:
    return {model: ModelUsage(input_tokens=7, output_tokens=3, cost_usd=0.125) for model in usage.models}


def _total(spans: list[Span]) -> Usage | None:
    used = [each.usage for each in spans if each.usage]
    costs = [usage.cost_usd for usage in used if usage.cost_usd is not None]
    if not used:
        return None
    return Usage(
        input_tokens=sum(usage.input_tokens for usage in used),
        output_tokens=sum(usage.output_tokens for usage in used),
        cost_usd=sum(costs) if costs else None,
        models=sorted({model for usage in used for model in usage.models}),
    )
