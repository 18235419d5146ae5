"""What is said where no reading was found that nothing contradicts."""

from __future__ import annotations

UNSETTLED = ("path", "parentSpanId", "iteration", "status", "durationMs", "attempts", "retries", "late")
"""What of a span may be otherwise."""


def no_reading(spans: int) -> str:
    """For `run.partial`. `spans`: of how many it is not certain."""
    return f"no reading of the log was found that nothing contradicts: {spans} spans may be others"
