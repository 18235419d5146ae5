"""Calls that report tokens but no cost: estimated, marked as such, never added to what was reported."""

from __future__ import annotations

import pytest
from machine import Machine
from made import assembly, span

from one_trace.analyse import prices
from one_trace.model.trace import ModelUsage, PartedUsage, Usage
from one_trace.store import Store

DAY = "2026-04-06"
MILLION = 1_000_000


@pytest.fixture(autouse=True)
def _installed() -> None:
    pytest.importorskip("genai_prices", reason="needs the extra: one-trace[prices]")


def parted(*models: str, per_model: dict[str, ModelUsage] | None = None, **tokens: int) -> PartedUsage:
    return PartedUsage(models=list(models), sessions=[], per_model=per_model or {}, **tokens)


def fill(machine: Machine, *usages: Usage) -> None:
    with Store(machine.data / "traces.db") as store:
        store.save(assembly(spans=[span(f"s{at}", usage=usage) for at, usage in enumerate(usages)]))


def test_cached_tokens_cost_less_than_others() -> None:
    plain = prices.estimate(parted("gpt-4o", input_tokens=MILLION), DAY)["gpt-4o"]
    cached = prices.estimate(parted("gpt-4o", cache_read_tokens=MILLION), DAY)["gpt-4o"]
    assert 0 < cached < plain


@pytest.mark.parametrize("model", ["openai/gpt-4o", "gpt-4o-2024-08-06"])
def test_a_model_is_found_with_its_provider_and_by_its_date(model: str) -> None:
    assert prices.estimate(parted(model, input_tokens=MILLION), DAY)[model] > 0


def test_each_of_several_models_has_its_own_price() -> None:
    parts = {"gpt-4o": ModelUsage(input_tokens=MILLION), "gpt-4o-mini": ModelUsage(input_tokens=MILLION)}
    found = prices.estimate(parted(*parts, per_model=parts), DAY)
    assert found["gpt-4o"] > found["gpt-4o-mini"] > 0


@pytest.mark.parametrize(
    "usage",
    [
        parted("a-model-of-nobody", input_tokens=MILLION),
        parted("gpt-4o", "gpt-4o-mini", input_tokens=MILLION),
        parted(input_tokens=MILLION),
        parted(
            "gpt-4o", "x", per_model={"gpt-4o": ModelUsage(input_tokens=1), "x": ModelUsage(input_tokens=1)}
        ),
    ],
)
def test_what_has_no_certain_price_has_no_estimate(usage: PartedUsage) -> None:
    assert prices.estimate(usage, DAY) == {}


def test_an_estimate_is_marked_and_not_part_of_the_reported_cost(machine: Machine) -> None:
    fill(
        machine,
        Usage(input_tokens=MILLION, cost_usd=2.0, models=["gpt-4o"], sessions=[]),
        Usage(input_tokens=MILLION, models=["gpt-4o-mini"], sessions=[]),
        Usage(input_tokens=MILLION, models=["a-model-of-nobody"], sessions=[]),
    )
    document = machine.one("--agent", "trace", "cost").document
    total = document["total"]
    assert (total["costUsd"], total["unpriced"], total["estimatedCalls"]) == (2, 2, 1)
    assert total["estimatedUsd"] > 0
    models = {model["key"]: model for model in document["models"]}
    assert models["gpt-4o"].get("estimatedUsd") is None
    assert models["gpt-4o-mini"]["estimatedUsd"] == total["estimatedUsd"]
    page = machine.one("trace", "cost").out.decode()
    assert "No cost reported by 2 calls. Estimated for 1 of them at list prices: $0." in page


def test_without_the_extra_the_page_says_how_to_get_estimates(machine: Machine) -> None:
    machine.write(machine.root / "without" / "genai_prices.py", "raise ImportError('not here')")
    machine.env["PYTHONPATH"] = f"{machine.root / 'without'}:{machine.env['PYTHONPATH']}"
    fill(machine, Usage(input_tokens=MILLION, models=["gpt-4o"], sessions=[]))
    page = machine.one("trace", "cost").out.decode()
    assert "No cost reported by 1 call, and no price is known." in page
    assert "one-trace[prices]" in page
