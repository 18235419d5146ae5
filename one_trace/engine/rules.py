"""The host's numbers, each measured on One CLI 1.52.1 or read from what it does."""

from __future__ import annotations

CONCURRENCY = 5
"""Children of a `parallel` block that run at a time where it has no ``maxConcurrency``. The next five begin
when the last of them has ended."""
WHILE_ITERATIONS = 100
"""Iterations of a `while` step without ``maxIterations``. The host then goes on as if its condition had
become false."""
LOOP_ITEMS = 1_000
"""Items of a `loop` step without ``maxIterations`` (or with 0); those after it are dropped without a word."""
RETRY_DELAY_MS = 1_000
"""The pause before another attempt without ``retryDelayMs``."""
RETRY_DELAY_MOST_MS = 30_000
"""The longest pause of a growing one (``backoff``) without ``maxDelayMs``; it does not limit a constant
pause."""
BASH_TIMEOUT_MS = 30_000
"""``bash.timeout`` of a shell step that has none, or 0."""
TIMER_LONGEST_MS = 2**31 - 1
"""A longer delay is one of 1 ms, as in all timers of JavaScript."""
IMPORT_TICKS = 8
"""Microtasks that a sub-flow waits for the flow loader after the first one has read it from disk."""
FINALLY_TICKS = 3
"""Microtasks between a settled race of a step with its time-out and the step's end: `finally` takes them."""
