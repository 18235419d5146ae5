"""A baseline: what was usual in a flow's runs, small enough to be kept in git beside the flow.

`analyse.baseline` makes one from the store and compares runs with it, `export.baseline` writes and reads the
file. It has names, counts, times, sizes and costs, and no field for anything else.
"""

from __future__ import annotations

from msgspec import Struct

from one_trace.model.trace import SpanStatus

SCHEMA = "one-trace-baseline/1"
LONGEST_PATH = 4096
"""Characters of a step's path in a file. Steps that are nested more deeply are left out."""


class Range(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """A figure of past runs: the median, and the range in which it varies by chance; without a range if the
    runs are too few to tell."""

    p50: float
    low: float | None = None
    high: float | None = None


class BaselineStep(Struct, rename="camel", kw_only=True, omit_defaults=True):
    """One step, all its iterations together. `path` is static and below the flow's key.

    `runs` counts the runs in which it occurred: 0 for a step that is planned in the flow file, but did not
    run. `status`, `count` and `retries` are those of the median run.
    """

    path: str
    type: str
    runs: int = 0
    count: int = 0
    status: SpanStatus = "success"
    retries: int = 0
    duration_ms: Range | None = None
    output_bytes: Range | None = None
    cost_usd: Range | None = None


class Baseline(Struct, rename="camel", kw_only=True):
    """The answer of ``trace baseline``, and its file: the medians of a flow's last successful runs. `steps`
    in the order of the flow file, then those that are in it no more."""

    schema: str = SCHEMA
    flow_key: str
    runs: int
    duration_ms: Range
    cost_usd: Range | None = None
    steps: list[BaselineStep] = []
