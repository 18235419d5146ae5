"""The tree of a run as it happens: which step runs in which attempt, iteration and branch of which other,
and how it ends."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

from one_trace.engine.call import Call
from one_trace.engine.failures import StepFailure
from one_trace.engine.loop import Clock, Promise
from one_trace.engine.observer import Observer, Place
from one_trace.engine.steps import run as run_body

if TYPE_CHECKING:
    from one_trace.engine.values import Handle


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A simulated step body: takes some time, then returns a value or throws. It never ends if that time is
    infinite."""

    duration_ms: float = 0
    output: Any = None
    error: str | None = None


LEAVES = ("transform", "code", "file-read", "file-write", "bash", "action", "paginate")
_STATUS = {"success": "success", "skipped": "skipped", "failed": "error", "timeout": "timeout"}


class TrueSpan(TypedDict, total=False):
    """One execution of a step. Names and meanings are those of the trace document.

    `span` and `parent` are numbers. Times are ms since the epoch. `events`: the log has its start and its
    end. `raised`: its error left its list of steps. `statusAlso`: it threw its own time-out. `inputBytes`:
    set only if sizes are recorded, and null if the size cannot be known."""

    span: int
    parent: int | None
    path: str
    stepId: str
    name: str
    type: str
    flowKey: str
    iteration: int | None
    branch: str | None
    index: int
    parentAttempt: int | None
    attempts: int
    retries: int
    status: str
    statusAlso: list[str]
    startMs: int
    endMs: int | None
    durationMs: int | None
    late: bool
    raised: bool
    events: bool
    inputBytes: int | None
    outputBytes: int | None
    resume: int


class Killed(Exception):
    """Ends the run at once, as SIGKILL would."""


@dataclass(slots=True)
class _Life:
    """When a span's attempts began and when it ended, counted in events: the clock may stand still between
    them.
    """

    began: int
    attempts: list[int] = field(default_factory=list)
    ended: int | None = None

    def over(self, attempt: int | None) -> int | None:
        """When an attempt was over: at the start of the next one, or at the end of the span."""
        if attempt is not None and attempt < len(self.attempts):
            return self.attempts[attempt]
        return self.ended


class TreeRecorder(Observer):
    """Records the tree. `resume`: the number of the resume that is recorded, 0 for the run itself."""

    def __init__(self, root: str, *, resume: int = 0) -> None:
        self.spans: list[TrueSpan] = []
        self.clock: Clock | None = None
        self._root = root if not resume else f"{root}#{resume + 1}"
        self._resume = resume
        self._lives: list[_Life] = []
        self._moment = 0

    def begin(self, step: dict[str, Any], flow_key: str, place: Place, index: int, *, events: bool) -> int:
        number = len(self.spans) + 1
        span: TrueSpan = {
            "span": number,
            "parent": place.span,
            "path": f"{self._inside(place)} > {step.get('id')}",
            "stepId": str(step.get("id")),
            "name": str(step.get("name")),
            "type": str(step.get("type")),
            "flowKey": flow_key,
            "iteration": place.iteration,
            "branch": place.branch,
            "index": index,
            "parentAttempt": place.attempt,
            "attempts": 1,
            "retries": 0,
            "status": "incomplete",
            "startMs": self._now(),
            "endMs": None,
            "durationMs": None,
            "late": False,
            "raised": False,
            "events": events,
            "outputBytes": None,
        }
        if self._resume:
            span["resume"] = self._resume
        self.spans.append(span)
        self._lives.append(_Life(self._tick()))
        return number

    def _inside(self, place: Place) -> str:
        if place.span is None:
            return self._root
        again = f"#{place.attempt}" if place.attempt is not None and place.attempt > 1 else ""
        turn = f"[{place.iteration}]" if place.iteration is not None else ""
        return f"{self.spans[place.span - 1]['path']}{again}{turn}"

    def attempt(self, span: int, number: int) -> None:
        self._lives[span - 1].attempts.append(self._tick())
        noted = self.spans[span - 1]
        noted["attempts"], noted["retries"] = number, number - 1

    def has_ended(self, span: int) -> bool:
        return self._lives[span - 1].ended is not None

    def end(
        self, span: int, status: str, result: Handle | None = None, failure: StepFailure | None = None
    ) -> None:
        raised, timeout = failure is not None, failure is not None and failure.timeout
        noted = self.spans[span - 1]
        self._lives[span - 1].ended = self._tick()
        noted["status"], noted["raised"] = _STATUS.get(status, status), raised
        noted["endMs"] = self._now()
        if status != "skipped":
            noted["durationMs"] = self._now() - noted["startMs"]
        if raised and timeout:
            noted["statusAlso"] = ["timeout"]
        noted["outputBytes"] = None

    async def body(self, call: Call) -> Handle:
        """Run one attempt: with a simulated behaviour if there is one, otherwise the real step."""
        behaviour = self.behaviour_of(call)
        if behaviour is None:
            return await run_body(call)
        if math.isinf(behaviour.duration_ms):
            await Promise[None](call.engine.loop)
        if behaviour.duration_ms:
            await self.wait(call, behaviour.duration_ms)
        return self.outcome(call, behaviour)

    async def wait(self, call: Call, ms: float) -> None:
        """What a simulated body takes."""
        await call.engine.loop.sleep(ms)

    def outcome(self, call: Call, behaviour: Behaviour) -> Handle:
        """What a simulated body returns, or throws."""
        if behaviour.error is not None:
            raise StepFailure(behaviour.error)
        handle = call.handle()
        result = {"status": "success", "output": behaviour.output, "response": behaviour.output}
        call.engine.values.given(handle, result)
        return handle

    def behaviour_of(self, call: Call) -> Behaviour | None:
        """What an attempt does. None: what its step says."""
        return None

    def settle(self) -> None:
        """Set `late` of all spans, once the run is over."""
        for span, life in zip(self.spans, self._lives, strict=True):
            parent = span["parent"]
            over = self._lives[parent - 1].over(span["parentAttempt"]) if parent is not None else None
            span["late"] = over is not None and (life.ended is None or life.ended > over)

    def _tick(self) -> int:
        self._moment += 1
        return self._moment

    def _now(self) -> int:
        assert self.clock is not None
        return self.clock.now_ms()
