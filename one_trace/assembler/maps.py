"""The host's maps of results, with executions in the place of values.

What the host keeps under which id, copies, merges and overwrites is done here as it does it. So what stands
where in the state at last is the result of a known execution.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from one_trace.assembler.executions import Execution
from one_trace.engine.loop import Loop, Promise
from one_trace.engine.schema import Json
from one_trace.engine.values import Handle, Step

if TYPE_CHECKING:
    from one_trace.assembler.decisions import Decisions


class Made:
    """A result. `parts`: of a loop its maps by iteration, of a block its children's results, of a sub-flow
    its map, of a while the last results of its iterations. `of`: None for what a while leaves meanwhile."""

    __slots__ = ("duration", "of", "parts", "retries", "status")

    def __init__(self, of: Execution | None, status: str = "success") -> None:
        self.of = of
        self.status = status
        self.duration: float | None = None
        self.retries: int | None = None
        self.parts: Any = None


Map = dict[str, Made]


class _LoopState:
    __slots__ = ("iterations", "seen")

    def __init__(self, count: int) -> None:
        self.iterations: list[Map | None] = []
        self.seen: dict[int, frozenset[str]] = {}


class Maps:
    """The port `Values` of the engine. What it cannot know is asked of `decisions`."""

    def __init__(self) -> None:
        self.decisions: Decisions
        self.running: Execution | None = None
        """The execution that the engine works on now."""
        self._held: dict[int, Any] = {}
        self._numbers = 0

    def new_number(self) -> int:
        self._numbers += 1
        return self._numbers

    def release(self, kind: str, number: int) -> None:
        self._held.pop(number, None)

    def map_of(self, context: Handle) -> Map:
        found = self._held.get(context.number)
        if found is None:
            found = self._held[context.number] = {}
        return found

    def made(self, handle: Handle) -> Made:
        made = self._held.get(handle.number)
        if made is None:
            made = self._held[handle.number] = Made(self.running)
        return made

    # -- decisions

    def holds(self, context: Handle, expression: Json) -> bool:
        return self.decisions.holds(self.running, expression)

    def condition(self, context: Handle, step: Step) -> bool:
        return self.decisions.condition(self.running)

    def open_loop(self, state: Handle, context: Handle, step: Step, most: int) -> int:
        count = self.decisions.items(self.running, most)
        self._held[state.number] = _LoopState(count)
        self.decisions.counted(self.running, count)
        return count

    def again(self, context: Handle, step: Step) -> bool:
        return self.decisions.again(self.running)

    def open_flow(self, context: Handle, step: Step, inputs: Handle) -> str:
        return self.decisions.called(self.running)

    def close_flow(self, context: Handle, last: Step | None, result: Handle) -> list[str]:
        made = self.made(result)
        made.parts = dict(self.map_of(context))
        return []

    # -- what the host keeps

    def default_on_error(self, context: Handle, config: Json) -> None:
        pass

    def accept(self, context: Handle, inputs: Handle, declared: Json) -> None:
        self._held[context.number] = {}

    def counts(self, context: Handle) -> tuple[int, int, int]:
        return 0, 0, 0

    def requires(self, context: Handle, step: Step) -> None:
        self.decisions.requires(self.running)

    def at_once(self, result: Handle, context: Handle, step: Step) -> None:
        raise NotImplementedError  # leaf bodies are `Followed.body`

    def begin(self, loop: Loop, result: Handle, context: Handle, step: Step, root: str) -> Promise[None]:
        raise NotImplementedError

    def mock(self, result: Handle, context: Handle, step: Step) -> Json:
        return None

    def given(self, result: Handle, made: dict[str, Any]) -> None:
        kept = self._held[result.number] = Made(self.running, made["status"])
        kept.duration, kept.retries = made.get("durationMs"), made.get("retries")

    def finish(
        self, context: Handle, step: Step, result: Handle, duration_ms: int, retries: int | None
    ) -> None:
        made = self.made(result)
        made.duration, made.retries = duration_ms, retries
        self.map_of(context)[str(step.get("id"))] = made

    def keep(self, context: Handle, results: Sequence[tuple[Step, Handle]]) -> None:
        kept = self.map_of(context)
        for step, handle in results:
            kept[str(step.get("id"))] = self.made(handle)

    def close_condition(self, result: Handle, taken: bool, ran: Sequence[Handle]) -> None:
        self.made(result)

    def close_parallel(self, result: Handle, parts: Sequence[Handle]) -> None:
        self.made(result).parts = [self.made(part) for part in parts]

    def begin_iteration(self, state: Handle, context: Handle, i: int) -> None:
        pass

    def end_iteration(self, state: Handle, context: Handle, i: int) -> None:
        self._held[state.number].iterations.append(dict(self.map_of(context)))

    def fork(self, state: Handle, context: Handle, own: Handle, i: int) -> None:
        copy = self._held[own.number] = dict(self.map_of(context))
        self._held[state.number].seen[i] = frozenset(copy)

    def join(self, state: Handle, context: Handle, own: Handle, i: int) -> None:
        shared, mine, loop = self.map_of(context), self.map_of(own), self._held[state.number]
        seen = loop.seen[i]
        changed = {key: made for key, made in mine.items() if key not in seen or shared.get(key) is not made}
        loop.iterations.extend([None] * (i + 1 - len(loop.iterations)))
        loop.iterations[i] = changed
        shared.update(mine)

    def close_loop(self, state: Handle, context: Handle, result: Handle) -> None:
        self.made(result).parts = self._held[state.number].iterations

    def open_while(self, context: Handle, step: Step, outcomes: Handle) -> None:
        self._held[outcomes.number] = []
        self._leave_meanwhile(context, step)

    def _leave_meanwhile(self, context: Handle, step: Step) -> None:
        self.map_of(context)[str(step.get("id"))] = Made(None)

    def end_turn(
        self, context: Handle, step: Step, last: Step | None, iteration: int, outcomes: Handle
    ) -> None:
        made = self.map_of(context).get(str(last.get("id"))) if isinstance(last, dict) else None
        self._held[outcomes.number].append(made)
        self._leave_meanwhile(context, step)

    def close_while(self, result: Handle, outcomes: Handle) -> None:
        self.made(result).parts = self._held[outcomes.number]

    # -- dry runs

    def dry_flow(self, context: Handle, steps: Json) -> tuple[Json, Json]:
        return None, None

    def dry_step(self, context: Handle, step: Step) -> dict[str, Any]:
        return {"stepId": step.get("id"), "name": step.get("name"), "type": step.get("type")}
