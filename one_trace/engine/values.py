"""The port to what evaluates expressions and holds values: Node in the runner, decisions in re-execution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from one_trace.engine.loop import Loop, Promise
from one_trace.engine.schema import Json

Step = dict[str, Any]


class Holder(Protocol):
    """Holds values under numbers."""

    def new_number(self) -> int: ...

    def release(self, kind: str, number: int) -> None:
        """Nothing refers to this value any more."""


class Handle:
    """A value that is held under a number until the last reference to this is gone.

    `kind`: a result of a step, a context, the state of a loop (``loops``), other ``values``.
    """

    __slots__ = ("_holder", "kind", "number")

    def __init__(self, holder: Holder, kind: str) -> None:
        self._holder = holder
        self.kind = kind
        self.number = holder.new_number()

    def __del__(self) -> None:
        self._holder.release(self.kind, self.number)


class Values(Protocol):
    """Every method that evaluates raises StepFailure if the expression throws."""

    def new(self, kind: str) -> Handle:
        """A handle for a value to come."""

    # -- contexts

    def default_on_error(self, context: Handle, config: Json) -> None:
        """What `onError` of the flow's steps is where they have none."""

    def accept(self, context: Handle, inputs: Handle, declared: Json) -> None:
        """Make the context of a sub-flow of its inputs. Raises StepFailure if a required one is missing."""

    def counts(self, context: Handle) -> tuple[int, int, int]:
        """How many results succeeded, failed and were skipped."""

    # -- steps

    def holds(self, context: Handle, expression: Json) -> bool:
        """Of `if` and `unless`."""

    def requires(self, context: Handle, step: Step) -> None:
        """Raises StepFailure if what the step requires is missing."""

    def at_once(self, result: Handle, context: Handle, step: Step) -> None:
        """Run a body that takes no turn: `transform`, `file-read`, `file-write`."""

    def begin(self, loop: Loop, result: Handle, context: Handle, step: Step, root: str) -> Promise[None]:
        """Start a body that may take time, `code` or `bash`. `root`: the folder of the flow's modules."""

    def mock(self, result: Handle, context: Handle, step: Step) -> Json:
        """The resolved configuration of a step whose body does not run; its result is made of it."""

    def given(self, result: Handle, made: dict[str, Any]) -> None:
        """A result that no JavaScript has made."""

    def finish(
        self, context: Handle, step: Step, result: Handle, duration_ms: int, retries: int | None
    ) -> None:
        """Complete the result of a step that succeeded, and keep it in the context."""

    def keep(self, context: Handle, results: Sequence[tuple[Step, Handle]]) -> None:
        """Keep results in the context under the ids of their steps."""

    # -- containers

    def condition(self, context: Handle, step: Step) -> bool: ...

    def close_condition(self, result: Handle, taken: bool, ran: Sequence[Handle]) -> None: ...

    def close_parallel(self, result: Handle, parts: Sequence[Handle]) -> None: ...

    def open_loop(self, state: Handle, context: Handle, step: Step, most: int) -> int:
        """The number of items, `most` if the step does not limit them."""

    def begin_iteration(self, state: Handle, context: Handle, i: int) -> None:
        """Of a loop whose iterations share its context."""

    def end_iteration(self, state: Handle, context: Handle, i: int) -> None: ...

    def fork(self, state: Handle, context: Handle, own: Handle, i: int) -> None:
        """Begin one of several concurrent iterations, with a context of its own."""

    def join(self, state: Handle, context: Handle, own: Handle, i: int) -> None: ...

    def close_loop(self, state: Handle, context: Handle, result: Handle) -> None: ...

    def open_while(self, context: Handle, step: Step, outcomes: Handle) -> None: ...

    def again(self, context: Handle, step: Step) -> bool:
        """Whether a while step goes on."""

    def end_turn(
        self, context: Handle, step: Step, last: Step | None, iteration: int, outcomes: Handle
    ) -> None:
        """An iteration of a while step is over. `last`: its last step."""

    def close_while(self, result: Handle, outcomes: Handle) -> None: ...

    def open_flow(self, context: Handle, step: Step, inputs: Handle) -> str:
        """The key of the flow that a step calls; resolves its inputs."""

    def close_flow(self, context: Handle, last: Step | None, result: Handle) -> list[str]:
        """Make the step's result of those of the sub-flow, whose last step is `last`. Returns the fields of
        its output that are also ids of steps."""

    # -- dry runs

    def dry_flow(self, context: Handle, steps: Json) -> tuple[Json, Json]:
        """The inputs, and the resolved steps."""

    def dry_step(self, context: Handle, step: Step) -> dict[str, Any]: ...
