"""A store with a history of one flow."""

from __future__ import annotations

from pathlib import Path
from random import Random

from made import START_MS, assembly, span

from one_trace.model.trace import Usage
from one_trace.store import Store

HOUR_MS = 3_600_000


def fill(path: Path, count: int, *, step: str = "ask", flow: str = "my-flow") -> None:
    """Runs 8 hours apart; in every tenth the second step fails, each calls a model for $0.25."""
    chance = Random(5)
    with Store(path) as store:
        for number in range(count):
            bad = number % 10 == 7
            took = 1000.0 + chance.randrange(200)
            usage = Usage(input_tokens=10, output_tokens=5, cost_usd=0.25, models=["claude-sonnet-4"])
            spans = [
                span("fetch", flow=flow, duration_ms=100.0),
                span(
                    step, flow=flow, start_ms=100.0, duration_ms=took - 100, usage=usage,
                    status="error" if bad else "success", error="503" if bad else None,
                ),
            ]  # fmt: skip
            run = assembly(
                f"{number + 1:012x}", spans, start=START_MS + number * 8 * HOUR_MS, flow_key=flow,
                duration_ms=took, status="error" if bad else "success", usage=usage,
            )  # fmt: skip
            store.save(run)
