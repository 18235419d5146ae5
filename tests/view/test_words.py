from __future__ import annotations

import pytest
from made import assembly

from one_trace.model.trace import Exit, Usage
from one_trace.view import words


@pytest.mark.parametrize(
    ("ms", "reported"),
    [
        (None, "-"),
        (0, "0ms"),
        (0.4, "<1ms"),
        (999.4, "999ms"),
        (999.6, "1.00s"),
        (9_994, "9.99s"),
        (9_996, "10.0s"),
        (59_949, "59.9s"),
        (59_960, "1m00s"),
        (3_599_600, "1h00m"),
        (86_400_000, "1d00h"),
        (-5, "0ms"),
    ],
)
def test_durations_keep_three_figures_and_never_say_sixty_seconds(ms: float | None, reported: str) -> None:
    assert words.duration(ms) == reported
    assert len(reported) <= 7


@pytest.mark.parametrize(
    ("count", "reported"),
    [
        (None, ""),
        (0, "0B"),
        (999, "999B"),
        (1000, "1.0kB"),
        (9_960, "10kB"),
        (999_600, "1.0MB"),
        (52_428_800, "52MB"),
    ],
)
def test_sizes(count: int | None, reported: str) -> None:
    assert words.size(count) == reported


def test_usage_counts_cached_tokens_as_taken_in() -> None:
    spent = Usage(input_tokens=100, cache_read_tokens=2_900, output_tokens=420, cost_usd=0.0123, models=["m"])
    assert words.usage(spent) == "$0.0123, 3.0k tokens in, 420 out (m)"


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0, "now"), (-5, "now"), (1, "1m ago"), (59, "59m ago"), (60, "1h ago"), (2880, "2d ago")],
)
def test_ages(minutes, text):
    assert words.age(minutes * 60_000 + 1) == text


@pytest.mark.parametrize(
    ("status", "exit", "text"),
    [
        ("incomplete", Exit(signal="SIGINT", duration_ms=3200), "interrupted by SIGINT after 3.20s"),
        ("incomplete", Exit(signal="SIGINT", code=0), "interrupted by SIGINT"),
        ("incomplete", Exit(signal="SIGKILL", duration_ms=5), "killed by SIGKILL after 5ms"),
        ("incomplete", Exit(signal="SIGSEGV", duration_ms=5), "crashed with SIGSEGV after 5ms"),
        ("incomplete", Exit(code=3, duration_ms=1100), "crashed with exit code 3 after 1.10s"),
        ("incomplete", Exit(code=0, duration_ms=5), "ended with exit code 0 after 5ms"),
        ("incomplete", None, ""),
        ("success", Exit(code=0, duration_ms=5), ""),
        ("success", Exit(code=1, duration_ms=5), "exit code 1"),
        ("success", Exit(signal="SIGTERM", duration_ms=5), "ended by SIGTERM"),
        ("error", Exit(code=1, duration_ms=5), ""),
        ("error", Exit(code=1, signal="SIGINT", duration_ms=5), "told to end by SIGINT"),
        ("error", Exit(code=7, duration_ms=5), "exit code 7"),
        ("stopped", Exit(code=0, duration_ms=5), ""),
    ],
)
def test_an_ending_is_named_where_the_status_does_not_imply_it(status, exit, text):
    assert words.ending(assembly(status=status, exit=exit).trace.run) == text
