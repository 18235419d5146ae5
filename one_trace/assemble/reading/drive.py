"""A reading: the engine runs the flow again, and each line of the log says which of what waits goes on.

The engine is the proposer. It knows what starts what and what is over when; what it cannot know is which leaf
ends next, and that is what the next line says. Where the line fits several, that is a `Choice`; where the
engine comes to what the log does not have, that is a `Conflict`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from one_trace.assemble.ground.choices import Choices
from one_trace.assemble.ground.facts import WRITTEN_MS
from one_trace.assemble.ground.ground import EXACT, Go, Ground
from one_trace.assemble.ground.pairing import Pairings
from one_trace.assemble.ground.script import FLOW_ENDS, Script
from one_trace.assemble.reading.acts import drain, keep_at
from one_trace.assemble.reading.decisions import Decisions
from one_trace.assemble.reading.driven import DrivenLoop, LineClock
from one_trace.assemble.reading.emitted import Emitted, Finished
from one_trace.assemble.reading.expected import Expected
from one_trace.assemble.reading.fit import Fit
from one_trace.assemble.reading.followed import Followed
from one_trace.assemble.reading.happen import Happen
from one_trace.assemble.reading.leaves import Leaves
from one_trace.assemble.reading.maps import Held, Maps
from one_trace.assemble.reading.pending import Pending
from one_trace.assemble.reading.silence import Silence
from one_trace.assemble.reading.standing import Known, Learned, Standing
from one_trace.assemble.reading.tolerant import Tolerant
from one_trace.assemble.reading.watch import Watch
from one_trace.engine.call import FlowScope, RunOptions
from one_trace.engine.failures import StepFailure
from one_trace.engine.loop import Promise
from one_trace.engine.observer import Place
from one_trace.model.trace import RunStatus


class Parts(NamedTuple):
    """What a reading is made with: others take notes of what they do."""

    maps: Callable[[Standing, Decisions], Maps] = Maps
    emitted: Callable[[Standing, Fit], Emitted] = Emitted
    watch: Callable[[Standing], Watch] = Watch
    silence: Callable[[Standing, Fit, Decisions], Silence] = Silence
    leaves: Callable[[Standing, Fit], Leaves] = Leaves
    happen: Callable[[Standing, Fit, Decisions, Silence, Tolerant], Happen] = Happen


_PLAIN = Parts()


class Drive:
    """One reading of a record: `run` makes its executions, or raises Conflict."""

    def __init__(
        self,
        ground: Ground,
        choices: Choices,
        learned: Learned,
        *,
        lenient: bool = False,
        parts: Parts = _PLAIN,
    ) -> None:
        self.at = at = _standing(ground, choices, learned, lenient=lenient)
        decisions = Decisions(at)
        fit = Fit(at, decisions)
        self._maps, self._emitted = parts.maps(at, decisions), parts.emitted(at, fit)
        self._leaves, self._watch = parts.leaves(at, fit), parts.watch(at)
        silence = parts.silence(at, fit, decisions)
        self.tolerant = Tolerant(at)
        self._happen = parts.happen(at, fit, decisions, silence, self.tolerant)
        self._whole: Promise[bool] | None = None
        """The flow of the last go."""

    def run(self) -> None:
        for go in self.at.known.ground.goes:
            self._run_go(go)

    def _run_go(self, go: Go) -> None:
        at = self.at
        at.going, at.pending = go, Pending()
        at.loop = DrivenLoop(at.clock, at.pending)
        at.script.turn_to(go.begin, go.end)
        if go.begin == go.end:
            return
        at.clock.at = at.script.lines[go.begin].at
        engine = self._engine(go)
        try:
            self._begin(go, engine)
            while (line := at.script.peek()) is not None:
                keep_at(at, at.script.cursor)
                self._happen.explain(line)
            self._happen.pass_time(at.script.lines[go.end - 1].at)
        except Finished:
            pass
        finally:
            self._doubt_pauses(at.script.lines[go.end - 1].at)
            at.loop.close()
            engine.close()
        keep_at(at, go.end)

    def _engine(self, go: Go) -> Followed:
        dry_run = go.dry_run and not go.mock
        stop_after = self.at.known.ground.stop_after
        options = RunOptions(dry_run=dry_run, allow_bash=True, stop_after=stop_after)
        return Followed(self.at, self._maps, self._emitted, self._leaves, self._watch, options)

    def _begin(self, go: Go, engine: Followed) -> None:
        """The flow, as far as it goes by itself."""
        at, ground = self.at, self.at.known.ground
        first = at.script.peek()
        if first is None or ground.bare:
            return
        at.clock.at = first.at
        flow = ground.flows.definition
        scope = FlowScope(str(flow.get("key")), "", (), flow.get("defaultOnError"))
        root: Held = at.notes.root
        flowing = engine.flow(flow, scope, root, Place(), go.done(at.script))
        self._whole = at.loop.go(flowing)
        drain(at)

    def _doubt_pauses(self, last: float) -> None:
        """Whether another attempt has begun at the time of the last line of a go, nothing tells."""
        for timer in self.at.pending.timers:
            if not timer.limit and timer.due <= last + self.at.script.slack:
                timer.of.doubt("attempts", "retries")

    @property
    def outcome(self) -> RunStatus | None:
        whole = self._whole
        if whole is None or not whole.settled or self._is_cut():
            return None
        return "error" if whole.error is not None else "success" if whole.value else "stopped"

    def _is_cut(self) -> bool:
        """The log does not have the end of the flow."""
        going, lines = self.at.going, self.at.script.lines
        return going.killed and lines[going.end - 1].event not in FLOW_ENDS

    @property
    def failure(self) -> StepFailure | None:
        """What ended the flow."""
        error = self._whole.error if self._whole is not None else None
        return error if isinstance(error, StepFailure) else None


def _standing(ground: Ground, choices: Choices, learned: Learned, *, lenient: bool) -> Standing:
    exact = ground.facts.exact and ground.mode.times == EXACT
    expected = Expected(ground.stored, len(ground.goes), ground.goes[-1].completed)
    known = Known(ground, expected, learned, exact, lenient)
    script, clock = Script(ground.record.lines, ground.lines.ignored, 0 if exact else WRITTEN_MS), LineClock()
    pairings = Pairings(ground.clocks if ground.mode.times == EXACT and not lenient else None)
    return Standing(known, choices, script, clock, ground.goes[0], pairings)
