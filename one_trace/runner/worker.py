"""Calls into the worker, the one Node process that evaluates JavaScript and holds all live values."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping
from typing import Any

from one_trace.engine.failures import StepFailure
from one_trace.engine.loop import Loop, Promise
from one_trace.engine.schema import NESTED, Json
from one_trace.runner import node
from one_trace.runner.channel import Channel
from one_trace.runner.failures import WorkerGone
from one_trace.runner.infinity import AS_READ, dumps


class Worker:
    """Sends operations to the worker.

    `ask` waits for the answer while nothing else happens, as One CLI does where it evaluates synchronously.
    `tell` needs no answer and is sent with the next question. `begin` starts what may take time.
    """

    def __init__(self, env: Mapping[str, str] | None = None, process: node.Process | None = None) -> None:
        """Starts Node, which boots while the caller goes on, if `node.begin` has not. Raises NoNode."""
        self._env = dict(os.environ if env is None else env)
        self.released: dict[str, list[int]] = {}
        self._numbers = 0
        self._sent = 0
        self._outbox: list[tuple[Any, ...]] = []
        self._inbox: deque[dict[str, Any]] = deque()
        self._begun: dict[int, Promise[None]] = {}
        self._steps: dict[int, tuple[Any, int]] = {}
        self._turn = 0
        self._turn_at: float | None = None
        """The worker's time of the message that this turn of the loop handles, if it is known."""
        self._idle_at = -1
        self._ending = False
        self._nodes = node.candidates(self._env)
        self._ready = False
        if process is None:
            self._start(None)
        else:
            next(self._nodes)
            self._channel = Channel(process)

    # -- start and end

    def _start(self, found: str | None) -> None:
        path = next(self._nodes, None)
        if path is None:
            raise node.missing(found)
        try:
            self._channel = Channel(node.Process(path, self._env))
        except OSError as error:
            self._start(f"{path} cannot be started: {error.strerror}")

    def ready(self) -> None:
        """Wait until the worker answers; try the next Node if this one is too old or broken."""
        while not self._ready:
            path = self._channel.process.path
            try:
                version = str(self.ask("version"))
                self._ready = int(version.split(".", maxsplit=1)[0]) >= node.OLDEST
                found = f"{path} is Node {version}"
            except WorkerGone:
                found = f"{path} cannot run our worker"
            if not self._ready:
                self.close()
                self._start(found)
                self._sent = 0

    def kill(self) -> None:
        """End the worker now. Whoever waits for it gets WorkerGone."""
        self._channel.process.kill()

    def close(self) -> None:
        self._channel.process.close()

    # -- sending

    def new_number(self) -> int:
        self._numbers += 1
        return self._numbers

    def step(self, step: Mapping[str, Any]) -> int:
        """The number of a step's configuration in the worker."""
        known = self._steps.get(id(step))
        if known is None:
            known = (step, self.new_number())  # a reference, so that the id is not reused
            self._steps[id(step)] = known
            self.tell("step", known[1], _without_children(step))
        return known[1]

    def forget_steps(self) -> None:
        """Between runs that share a worker."""
        self.tell("forget", "steps", [number for _, number in self._steps.values()])
        self._steps.clear()

    def tell(self, name: str, *arguments: Json) -> None:
        self._put(0, name, arguments)

    def ask(self, name: str, *arguments: Json) -> Json:
        """The answer. Raises StepFailure if the JavaScript threw."""
        number = self._question(name, arguments)
        message = self._answer(number)
        if "err" in message:
            raise _failure(message["err"])
        return self._channel.data(message["bytes"]) if "bytes" in message else message["ok"]

    def json_error(self, text: str) -> str:
        """JavaScript's error for a text that is not JSON."""
        self.ready()
        try:
            self.ask("jsonError", text)
        except StepFailure as failure:
            return failure.message
        return "Unexpected JSON"

    def begin(self, loop: Loop, name: str, *arguments: Json) -> Promise[None]:
        """Start something that may take time. The promise is settled already if it took none."""
        number = self._question(name, (self._turn, self._turn_at, *arguments))
        promise: Promise[None] = Promise(loop)
        message = self._answer(number)
        if message.get("later"):
            self._begun[number] = promise
        else:
            loop.after(message["ticks"], lambda: _settle(promise, message))
        return promise

    def _question(self, name: str, arguments: tuple[Any, ...]) -> int:
        number = self.new_number()
        self._put(number, name, arguments)
        self._flush()
        return number

    def _put(self, number: int, name: str, arguments: tuple[Any, ...]) -> None:
        self._outbox.append((number, name, *arguments))
        self._sent += 1

    def _flush(self) -> None:
        """Send what is queued. Called before each wait."""
        if not self._outbox:
            return
        released, self.released = self.released, {}
        for kind, numbers in released.items():
            self.tell("forget", kind, numbers)
        # ASCII only: a lone surrogate has no UTF-8, but JavaScript reads its escape.
        data = dumps(self._outbox, AS_READ).encode("ascii") + b"\n"
        self._outbox = []
        self._channel.send(data)

    # -- receiving

    @property
    def expecting(self) -> bool:
        """Whether a message may still come. The worker reports when nothing is left running in it."""
        return bool(self._inbox) or (bool(self._begun or self._ending) and self._idle_at != self._sent)

    def wait(self, timeout_ms: float | None) -> bool:
        """Receive one message and settle its promise; False if none came in time."""
        self._flush()
        self._turn, self._turn_at = self._turn + 1, None
        if not self._inbox and not self._channel.readable(timeout_ms):
            return False
        message = self._inbox.popleft() if self._inbox else self._channel.message()
        self._turn_at = message.get("at")
        if "idle" in message:
            self._idle_at = message["idle"]
        elif "doomed" in message:
            self.tell("waiting")  # it ends now
            self._flush()
        else:
            _settle(self._begun.pop(message["id"]), message)
        return True

    def ending(self) -> None:
        """The run is over: from now on the worker reports when nothing in it is left running."""
        self._ending = True
        self.tell("ending")
        self._flush()

    def _answer(self, number: int) -> dict[str, Any]:
        while True:
            message = self._channel.message()
            if message.get("id") == number:
                return message
            self._inbox.append(message)


def _without_children(step: Mapping[str, Any]) -> dict[str, Any]:
    """A step without the steps inside it, which have numbers of their own."""
    out = dict(step)
    for key, field in NESTED:
        config = out.get(key)
        if isinstance(config, dict) and isinstance(config.get(field), list):
            out[key] = {k: v for k, v in config.items() if k != field}
    return out


def _settle(promise: Promise[None], message: Mapping[str, Any]) -> None:
    if "err" in message:
        promise.reject(_failure(message["err"]))
    else:
        promise.resolve(None)


def _failure(error: Mapping[str, Any]) -> StepFailure:
    return StepFailure(error["message"], code=error.get("code"))
