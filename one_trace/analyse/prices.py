"""Estimates the cost of LLM calls whose tool reported tokens but no cost.

The list prices are those of the `genai-prices` package (the extra `prices`), bundled with it and by date. The
import takes a second, so it happens at the first call that needs a price. An estimate is shown beside the
reported cost and never added to it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

from one_trace.model.trace import ModelUsage, PartedUsage

Calculate = Callable[..., Any]


def is_unpriced(usage: PartedUsage) -> bool:
    """Whether a call reported tokens but no cost."""
    return usage.cost_usd is None and _tokens(usage) > 0


def estimate(usage: PartedUsage, day: str) -> dict[str, float]:
    """US dollars by model for a call on a day (``2026-04-06``).

    Empty if any of its models has no known price, if the call used several models without reporting their
    parts, or if the extra is not installed.
    """
    parts: dict[str, PartedUsage | ModelUsage] = dict(usage.per_model)
    if not parts and len(usage.models) == 1:
        parts = {usage.models[0]: usage}
    costs = {model: _cost(model, part, day) for model, part in parts.items()}
    known = {model: cost for model, cost in costs.items() if cost is not None}
    return known if len(known) == len(parts) else {}


def _cost(model: str, usage: PartedUsage | ModelUsage, day: str) -> float | None:
    calculator = _calculator()
    if calculator is None:
        return None
    calculate, make_usage = calculator
    # There, input tokens include those read from and written to a cache.
    tokens = make_usage(
        input_tokens=usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        output_tokens=usage.output_tokens,
    )
    for name in dict.fromkeys((model, model.rpartition("/")[2])):
        try:
            price = calculate(tokens, model_ref=name, genai_request_timestamp=_noon(day)).total_price
        except (LookupError, ValueError):
            continue
        return float(price)
    return None


def release() -> str:
    """Names the prices by which costs are estimated."""
    from importlib.metadata import PackageNotFoundError, version  # which takes 20 ms

    try:
        return version("genai-prices")
    except PackageNotFoundError:
        return ""


@cache
def _calculator() -> tuple[Calculate, Calculate] | None:
    try:
        from genai_prices import Usage, calc_price
    except ImportError:
        return None
    return calc_price, Usage


def _noon(day: str) -> datetime | None:
    try:
        return datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC)
    except ValueError:
        return None


def _tokens(usage: PartedUsage) -> int:
    return usage.input_tokens + usage.output_tokens + usage.cache_read_tokens + usage.cache_write_tokens
