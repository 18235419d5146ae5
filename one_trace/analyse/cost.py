"""What LLM calls used, by flow, step, model and day, and how much of it was wasted.

Pure functions of `Use` rows; `one_trace.analyse.uses` reads them from the store.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from math import fsum

from msgspec import Struct

from one_trace.analyse.rounding import rounded
from one_trace.model.trace import ModelUsage

SCHEMA = "one-trace-cost/1"
LOST = ("error", "incomplete")
"""Runs that came to nothing."""
NO_MODEL = "unknown"


class Use(Struct, kw_only=True):
    """The calls of one step in one run that used the same models, added up."""

    run: int
    flow: str
    path: str
    day: str
    """Of the run's start, where the reader is."""
    run_failed: bool = False
    given_up: bool = False
    """Made in an attempt of a loop, block or sub-flow that was made again."""
    models: tuple[str, ...] = ()
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    turns: int = 0
    cost_usd: float | None = None
    retries: int = 0
    retries_usd: float = 0.0
    """What the retries cost if each attempt cost as much as the last one, the only one that tells."""
    per_model: dict[str, ModelUsage] = {}
    """The parts of several models, where they are told."""

    def by_model(self) -> list[Use]:
        """A row for each model; what is known of the calls as a whole stands with the first."""
        if not self.per_model:
            return [self]
        return [
            Use(
                run=self.run,
                flow=self.flow,
                path=self.path,
                day=self.day,
                models=(name,),
                calls=self.calls,
                input_tokens=used.input_tokens,
                output_tokens=used.output_tokens,
                cache_read_tokens=used.cache_read_tokens,
                cache_write_tokens=used.cache_write_tokens,
                turns=0 if place else self.turns,
                cost_usd=used.cost_usd,
            )
            for place, (name, used) in enumerate(self.per_model.items())
        ]


class Spent(Struct, rename="camel", kw_only=True):
    """Calls added up. `costUsd` is null where no call told its price; `share` is its part of the total."""

    key: str
    runs: int = 0
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    turns: int = 0
    cost_usd: float | None = None
    share: float | None = None


class Waste(Struct, rename="camel", kw_only=True):
    """What was paid for nothing. The first two may overlap: a failed run may have given up attempts.

    `retriesUsd` is an estimate: of a call that was retried only the last attempt tells its price, and
    the attempts before are taken to have cost as much.
    """

    failed_runs: Spent
    given_up: Spent
    retries: int = 0
    retries_usd: float = 0.0


class Uncounted(Struct, rename="camel", kw_only=True):
    """Executions of a step that calls an agent, of which the record does not show what they used."""

    flow: str
    path: str
    tool: str
    calls: int
    why: str
    fix: str


class CostDocument(Struct, rename="camel", kw_only=True):
    """The answer of ``trace cost``. Models of a call that used several and did not tell their parts stand
    together. `uncounted` are the steps that look like LLM calls of which nothing is counted.

    `flows`, `steps` and `models` are sorted by cost, highest first; `days` (of the run's start, in the
    reader's time, whose offset is `timeZone`) oldest first. `runs` counts all runs, also those without calls.
    """

    schema: str = SCHEMA
    flow: str | None = None
    since: str | None = None
    time_zone: str = ""
    runs: int = 0
    total: Spent
    flows: list[Spent] = []
    steps: list[Spent] = []
    models: list[Spent] = []
    days: list[Spent] = []
    waste: Waste
    uncounted: list[Uncounted] = []


def document(
    uses: Sequence[Use],
    *,
    runs: int,
    flow: str | None,
    since: str | None,
    uncounted: Sequence[Uncounted] = (),
) -> CostDocument:
    """All that was used; `runs` is how many runs were looked at."""
    total = _sum("total", uses)
    whole = CostDocument(
        flow=flow,
        since=since,
        time_zone=datetime.now().astimezone().strftime("%z"),
        runs=runs,
        total=total,
        flows=_ranked(uses, lambda use: use.flow, total),
        steps=_ranked(uses, lambda use: use.path, total),
        models=_ranked(
            [part for use in uses for part in use.by_model()],
            lambda use: " + ".join(use.models) or NO_MODEL,
            total,
        ),
        days=_groups(uses, lambda use: use.day, total),
        waste=Waste(
            failed_runs=_sum("failedRuns", [use for use in uses if use.run_failed], total),
            given_up=_sum("givenUp", [use for use in uses if use.given_up], total),
            retries=sum(use.retries for use in uses),
            retries_usd=fsum(use.retries_usd for use in uses),
        ),
        uncounted=list(uncounted),
    )
    return rounded(whole)


def _groups(uses: Sequence[Use], key: Callable[[Use], str], total: Spent) -> list[Spent]:
    """By key, in the order of the keys."""
    found: dict[str, list[Use]] = {}
    for use in uses:
        found.setdefault(key(use), []).append(use)
    return [_sum(name, found[name], total) for name in sorted(found)]


def _ranked(uses: Sequence[Use], key: Callable[[Use], str], total: Spent) -> list[Spent]:
    """Sorted by cost, highest first; without prices, by output tokens."""
    found = _groups(uses, key, total)
    found.sort(key=lambda spent: (-(spent.cost_usd or 0), -spent.output_tokens, spent.key))
    return found


def _sum(key: str, uses: Sequence[Use], total: Spent | None = None) -> Spent:
    priced = [use.cost_usd for use in uses if use.cost_usd is not None]
    cost = fsum(priced) if priced else None
    whole = cost if total is None else total.cost_usd
    return Spent(
        key=key,
        runs=len({use.run for use in uses}),
        calls=sum(use.calls for use in uses),
        input_tokens=sum(use.input_tokens for use in uses),
        output_tokens=sum(use.output_tokens for use in uses),
        cache_read_tokens=sum(use.cache_read_tokens for use in uses),
        cache_write_tokens=sum(use.cache_write_tokens for use in uses),
        turns=sum(use.turns for use in uses),
        cost_usd=cost,
        share=cost / whole if cost is not None and whole else None,
    )
