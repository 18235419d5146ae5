"""The host's maps of results, with executions in the place of values.

What the host keeps under which id, copies, merges and overwrites is done here as it does it. So what stands
where in the state at last is the result of a known execution.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from one_trace.assemble.ground.executions import Made, Map
from one_trace.assemble.reading.decisions import Decisions
from one_trace.assemble.reading.standing import Standing
from one_trace.engine.decided import DecidedValues
from one_trace.engine.schema import Json
from one_trace.engine.values import Step

Held: TypeAlias = Any
"""What the engine takes for a handle: the value itself, a `Made`, a map, the state of a loop."""


class _LoopState:
    __slots__ = ("iterations", "seen")

    def __init__(self) -> None:
        self.iterations: list[Map | None] = []
        self.seen: dict[int, frozenset[str]] = {}


_NEW: dict[str, Callable[[], Any]] = {"results": Made, "contexts": dict, "loops": _LoopState, "values": list}


class Maps(DecidedValues):
    """The port `Values` of the engine. What it cannot know is asked of `decisions`."""

    def __init__(self, at: Standing, decisions: Decisions) -> None:
        self._at, self._asked = at, decisions

    def new(self, kind: str) -> Held:
        """The value itself."""
        return _NEW[kind]()

    # -- decisions

    def holds(self, context: Held, expression: Json) -> bool:
        return self._asked.holds(self._at.running, expression)

    def condition(self, context: Held, step: Step) -> bool:
        return self._asked.condition(self._at.running)

    def open_loop(self, state: Held, context: Held, step: Step, most: int) -> int:
        count = self._asked.items(self._at.running, most)
        self._asked.counted(self._at.running, count)
        return count

    def again(self, context: Held, step: Step) -> bool:
        return self._asked.again(self._at.running)

    def open_flow(self, context: Held, step: Step, inputs: Held) -> str:
        call = self._at.running
        key = self._asked.called(call)
        inputs += (call, key)
        self._at.pending.calls.append(call)
        return key

    def close_flow(self, context: Held, last: Step | None, result: Held) -> list[str]:
        """The fields of the last output are written over the results: where that is a sub-flow's, its
        results."""
        final = context.get(str(last.get("id"))) if last is not None else None
        fields = final.parts if final is not None and isinstance(final.parts, dict) else {}
        result.parts, result.spread = context | fields, bool(fields)
        return []

    # -- what the host keeps

    def accept(self, context: Held, inputs: Held, declared: Json) -> None:
        call, key = inputs
        self._at.pending.calls.remove(call)
        self._at.known.ground.flows.limit(key, call.node)
        self._asked.accepted(call)

    def requires(self, context: Held, step: Step) -> None:
        self._asked.requires(self._at.running)

    def given(self, result: Held, made: dict[str, Any]) -> None:
        result.status = made["status"]
        result.duration, result.retries = made.get("durationMs"), made.get("retries")

    def finish(self, context: Held, step: Step, result: Held, duration_ms: int, retries: int | None) -> None:
        result.duration, result.retries = duration_ms, retries
        context[str(step.get("id"))] = result

    def keep(self, context: Held, results: Sequence[tuple[Step, Held]]) -> None:
        for step, result in results:
            context[str(step.get("id"))] = result

    def close_condition(self, result: Held, taken: bool, ran: Sequence[Held]) -> None:
        result.parts = list(ran)

    def close_parallel(self, result: Held, parts: Sequence[Held]) -> None:
        result.parts = list(parts)

    def end_iteration(self, state: Held, context: Held, i: int) -> None:
        state.iterations.append(dict(context))

    def fork(self, state: Held, context: Held, own: Held, i: int) -> None:
        own.update(context)
        state.seen[i] = frozenset(context)

    def join(self, state: Held, context: Held, own: Held, i: int) -> None:
        shared, mine, loop = context, own, state
        seen = loop.seen[i]
        changed = {key: made for key, made in mine.items() if key not in seen or shared.get(key) is not made}
        loop.iterations.extend([None] * (i + 1 - len(loop.iterations)))
        loop.iterations[i] = changed
        shared.update(mine)

    def close_loop(self, state: Held, context: Held, result: Held) -> None:
        result.parts = state.iterations

    def open_while(self, context: Held, step: Step, outcomes: Held) -> None:
        self._leave_meanwhile(context, step)

    def _leave_meanwhile(self, context: Held, step: Step) -> None:
        context[str(step.get("id"))] = Made()

    def end_turn(self, context: Held, step: Step, last: Step | None, iteration: int, outcomes: Held) -> None:
        made = context.get(str(last.get("id"))) if isinstance(last, dict) else None
        outcomes.append(made)
        self._leave_meanwhile(context, step)

    def close_while(self, result: Held, outcomes: Held) -> None:
        result.parts = outcomes

    def dry_step(self, context: Held, step: Step) -> dict[str, Any]:
        return {"stepId": step.get("id"), "name": step.get("name"), "type": step.get("type")}
