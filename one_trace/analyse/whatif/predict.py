"""How long past runs would have taken with an edit.

Each run is replayed twice, with the flow as it is and as edited. What the first replay does not explain, the
host's own work, is added to the second. A run whose first replay is far from what the run took is left out,
and with too few runs left there is no prediction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from one_trace.analyse.findings import Finding, Prediction
from one_trace.analyse.quantiles import quantile
from one_trace.analyse.whatif import past
from one_trace.analyse.whatif.edits import edited
from one_trace.analyse.whatif.past import Did
from one_trace.analyse.whatif.replay import Definitions, Replay, Replayed, Unpredictable
from one_trace.model.trace import PlannedStep, Trace

FEWEST = 3
"""Fewer runs say nothing of an edit."""
MOST_SPANS = 5_000
"""Replayed for one finding, in at least FEWEST runs: a replay takes 30 us a span."""
_OFF = 0.1
_OFF_MS = 50.0
"""A replay that is off by this part of the duration, and by more than this, is not of this run."""


class _Run(NamedTuple):
    duration_ms: float
    did: Mapping[past.Place, Did]
    now: Replayed


class Replays:
    """The runs of a flow that a replay reproduces. `flows`: the flow files as they are now."""

    def __init__(
        self, key: str, flows: Definitions, plan: Mapping[str, PlannedStep], traces: Sequence[Trace]
    ) -> None:
        self._key, self._flows, self._plan = key, flows, plan
        self._good = _last(traces) if key in flows else []
        self._dids = [past.executions(trace) for trace in self._good]
        self._usual = past.usual(self._dids)
        self._waiting = frozenset(
            (step.flow_key, step.path.rpartition(" > ")[2]) for step in plan.values() if step.waits
        )

    @cached_property
    def _runs(self) -> list[_Run]:
        replays = map(self._reproduced, self._good, self._dids)
        return [run for run in replays if run is not None]

    def predict(self, finding: Finding) -> Prediction | None:
        """What the edit of a finding would have changed; None if that cannot be said."""
        flows = edited(self._flows, finding, self._plan.get(finding.path))
        if flows is None or len(self._runs) < FEWEST:
            return None
        now, then, assumed = [], [], 0
        for run in self._runs:
            after = self._replayed(flows, run.did)
            if after is None or after.failed:
                continue
            now.append(run.duration_ms)
            then.append(max(0.0, run.duration_ms + after.duration_ms - run.now.duration_ms))
            assumed += after.assumed
        if len(now) < max(FEWEST, len(self._runs) / 2):
            return None
        now.sort()
        then.sort()
        return Prediction(
            runs=len(now),
            assumed=assumed,
            now_p50_ms=quantile(now, 0.5) or 0.0,
            now_p95_ms=quantile(now, 0.95) or 0.0,
            p50_ms=quantile(then, 0.5) or 0.0,
            p95_ms=quantile(then, 0.95) or 0.0,
        )

    def _reproduced(self, trace: Trace, did: Mapping[past.Place, Did]) -> _Run | None:
        now, duration_ms = self._replayed(self._flows, did), trace.run.duration_ms or 0.0
        if now is None or now.failed or now.assumed:
            return None
        off = abs(duration_ms - now.duration_ms)
        return _Run(duration_ms, did, now) if off <= max(_OFF * duration_ms, _OFF_MS) else None

    def _replayed(self, flows: Definitions, did: Mapping[past.Place, Did]) -> Replayed | None:
        try:
            return Replay(flows, did, self._usual, self._waiting).run(self._key)
        except (Unpredictable, RecursionError):
            return None


def _last(traces: Sequence[Trace]) -> list[Trace]:
    """The last runs that succeeded. `traces`: the newest first."""
    good = [trace for trace in traces if trace.run.status == "success" and trace.run.duration_ms]
    spans = list(accumulate(len(trace.spans) for trace in good))
    return [trace for number, trace in enumerate(good) if number < FEWEST or spans[number] <= MOST_SPANS]
