"""Runs by a value as an answer (`one-trace-groups/1`): one row a version, host, repository, ..."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from one_trace.analyse.run_groups import ValueRuns


class GroupList(Struct, rename="camel", kw_only=True):
    """The answer of ``list --by`` version, model, host, executor, repository or ``tag:KEY``. `total` counts
    the values."""

    schema: str = "one-trace-groups/1"
    filter: dict[str, Any] = {}
    by: str
    total: int
    groups: list[ValueRuns]
