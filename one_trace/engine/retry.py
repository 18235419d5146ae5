"""`onError`: whether a step that threw is retried, and whether the flow goes on."""

from __future__ import annotations

import math
import re
from typing import Any

from one_trace.engine.failures import StepFailure
from one_trace.engine.javascript import number, text, truthy
from one_trace.engine.rules import RETRY_DELAY_MOST_MS, RETRY_DELAY_MS
from one_trace.engine.schema import Json

_MOST_RETRIES = 2**31
"""For ever."""


class OnError:
    """A step's own `onError`, else its flow's default, else `fail`."""

    def __init__(self, step: dict[str, Any], default: Json) -> None:
        own = step.get("onError")
        config = own if own is not None else default
        self._config: dict[str, Any] = config if isinstance(config, dict) else {}
        self.strategy = self._config.get("strategy") or "fail"
        retries = self._config.get("retries")
        self.max_retries = retries
        self.attempts = 1
        if self.strategy == "retry" and truthy(retries):
            self.attempts = math.floor(max(-1, min(_MOST_RETRIES, number(retries)))) + 1

    @property
    def carries_on(self) -> bool:
        """Whether the flow goes on after the last failed attempt."""
        if self.strategy == "fallback":
            # One CLI never jumps to the fallback step: it runs in its own place.
            return truthy(self._config.get("fallbackStepId"))
        return bool(self.strategy == "continue")

    def delay_ms(self, attempt: int) -> int:
        """How long to wait before an attempt, from 2 up."""
        base = self._number("retryDelayMs", RETRY_DELAY_MS)
        backoff = self._config.get("backoff")
        if backoff in ("exponential", "exponential-jitter"):
            base = min(base * 2 ** (attempt - 2), self._number("maxDelayMs", RETRY_DELAY_MOST_MS))
            if backoff == "exponential-jitter":
                import random  # takes longer to import than a step to run

                base *= 0.5 + random.random() * 0.5
        return math.floor(base + 0.5) if math.isfinite(base) else 0

    def no_retry_reason(self, failure: StepFailure) -> str | None:
        """Why this failure is not retried; None if it is."""
        retry_on, fail_fast = self._config.get("retryOn"), self._config.get("failFastOn")
        if isinstance(fail_fast, list) and any(_matches(entry, failure) for entry in fail_fast):
            return "failFastOn"
        if isinstance(retry_on, list) and not any(_matches(entry, failure) for entry in retry_on):
            return "no-retryOn-match"
        return None

    def _number(self, key: str, default: float) -> float:
        value = self._config.get(key)
        return default if value is None else number(value)


def _matches(entry: object, failure: StepFailure) -> bool:
    """A number matches a status code in the message, a text an error code or a part of the message."""
    if isinstance(entry, int | float) and not isinstance(entry, bool):
        return re.search(rf"\b{text(entry)}\b", failure.message, re.ASCII) is not None
    if failure.code and entry == failure.code:
        return True
    return isinstance(entry, str) and entry.lower() in failure.message.lower()
