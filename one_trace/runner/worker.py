"""Our side of the worker: JavaScript runs there, in one Node process that holds all live values."""

from __future__ import annotations

import json
import os
import select
import subprocess
from collections import deque
from collections.abc import Mapping
from typing import Any

from one_trace.runner import node
from one_trace.runner.failures import StepFailure, WorkerBroken, WorkerGone
from one_trace.runner.loop import Loop, Promise
from one_trace.runner.schema import NESTED, Json

_CHUNK = 1 << 20


class Handle:
    """A live value in the worker. When the last reference here is gone, the worker forgets it as well."""

    __slots__ = ("_worker", "kind", "number")

    def __init__(self, worker: Worker, kind: str) -> None:
        self._worker = worker
        self.kind = kind
        self.number = worker.number()

    def __del__(self) -> None:
        self._worker.forgotten.setdefault(self.kind, []).append(self.number)


class Worker:
    """Asks the worker and takes in what it tells.

    `ask` waits for the answer and nothing else happens meanwhile, as where the host evaluates it itself.
    `tell` wants no answer and is sent with the next question. `begin` starts what may take time.
    """

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        """Starts Node; NoNode where there is none. The process boots while the caller goes on."""
        self._env = dict(os.environ if env is None else env)
        self.forgotten: dict[str, list[int]] = {}
        self._numbers = 0
        self._sent = 0
        self._outbox: list[bytes] = []
        self._inbox: deque[dict[str, Any]] = deque()
        self._unread = bytearray()
        self._begun: dict[int, Promise[None]] = {}
        self._steps: dict[int, tuple[Any, int]] = {}
        self._turn = 0
        self._turn_at: float | None = None
        """The worker's time of what this turn of the engine follows, where it knows one."""
        self._idle_at = -1
        self._ending = False
        self._nodes = node.candidates(self._env)
        self._ready = False
        self._start(None)

    # -- starting and ending

    def _start(self, found: str | None) -> None:
        path = next(self._nodes, None)
        if path is None:
            raise node.missing(found)
        try:
            self._path, self._process = path, node.start(path, self._env)
        except OSError as error:
            self._start(f"{path} cannot be started: {error.strerror}")

    def ready(self) -> None:
        """Wait until the worker answers; try the next Node where this one is too old or broken."""
        while not self._ready:
            path = self._path
            try:
                version = str(self.ask("version"))
                self._ready = int(version.split(".", maxsplit=1)[0]) >= node.OLDEST
                found = f"{path} is Node {version}"
            except WorkerGone:
                found = f"{path} cannot run our worker"
            if not self._ready:
                self.close()
                self._unread = bytearray()
                self._start(found)

    def kill(self) -> None:
        """End the worker now, whatever it does. Who asks it or waits for it gets WorkerGone."""
        if self._process.process.poll() is None:
            self._process.process.kill()

    def close(self) -> None:
        """End the worker now, and let go of it."""
        self.kill()
        started = self._process
        started.process.wait()
        for fd in (started.requests, started.answers, started.lifeline):
            os.close(fd)

    # -- sending

    def number(self) -> int:
        self._numbers += 1
        return self._numbers

    def step(self, step: Mapping[str, Any]) -> int:
        """The number by which the worker knows a step's own configuration."""
        known = self._steps.get(id(step))
        if known is None:
            known = (step, self.number())  # kept alive, so that its id stays its own
            self._steps[id(step)] = known
            self.tell("step", known[1], _without_children(step))
        return known[1]

    def forget_steps(self) -> None:
        """Between runs that share a worker."""
        self.tell("forget", "steps", [number for _, number in self._steps.values()])
        self._steps.clear()

    def tell(self, name: str, *arguments: Json) -> None:
        self._outbox.append(_line(0, name, arguments))
        self._sent += 1

    def flush(self) -> None:
        """Send what was told. Called where we are about to wait."""
        if not self._outbox:
            return
        if self.forgotten:
            dead, self.forgotten = self.forgotten, {}
            for kind, numbers in dead.items():
                self.tell("forget", kind, numbers)
        data = memoryview(b"".join(self._outbox))
        self._outbox = []
        try:
            while data:
                data = data[os.write(self._process.requests, data) :]
        except BrokenPipeError:
            raise self._death() from None

    def ask(self, name: str, *arguments: Json) -> Json:
        """The answer; StepFailure where the JavaScript threw."""
        number = self._question(name, arguments)
        message = self._answer(number)
        if "err" in message:
            raise _failure(message["err"])
        return self._bytes(message["bytes"]) if "bytes" in message else message["ok"]

    def begin(self, loop: Loop, name: str, *arguments: Json) -> Promise[None]:
        """Start something that may take time. Settled already if it took none."""
        number = self._question(name, (self._turn, self._turn_at, *arguments))
        promise: Promise[None] = Promise(loop)
        message = self._answer(number)
        if message.get("later"):
            self._begun[number] = promise
        else:
            loop.after(message["ticks"], lambda: _settle(promise, message))
        return promise

    def _question(self, name: str, arguments: tuple[Any, ...]) -> int:
        number = self.number()
        self._outbox.append(_line(number, name, arguments))
        self._sent += 1
        self.flush()
        return number

    # -- receiving

    @property
    def expecting(self) -> bool:
        """Whether the worker may still tell something. It says when nothing is left running in it."""
        return bool(self._inbox) or (bool(self._begun or self._ending) and self._idle_at != self._sent)

    def wait(self, timeout_ms: float | None) -> bool:
        """Take in one message and settle what it is about; False where none came in time."""
        self.flush()
        self._turn, self._turn_at = self._turn + 1, None
        if not self._inbox and not self._readable(timeout_ms):
            return False
        message = self._inbox.popleft() if self._inbox else self._message()
        self._turn_at = message.get("at")
        if "idle" in message:
            self._idle_at = message["idle"]
            return True
        _settle(self._begun.pop(message["id"]), message)
        return True

    def ending(self) -> None:
        """The run is over: from now on the worker says when nothing in it is left running."""
        self._ending = True
        self.tell("ending")
        self.flush()

    def _answer(self, number: int) -> dict[str, Any]:
        while True:
            message = self._message()
            if message.get("id") == number:
                break
            self._inbox.append(message)
        return message

    def _message(self) -> dict[str, Any]:
        at = self._unread.find(b"\n")
        while at < 0:
            seen = len(self._unread)
            self._read()
            at = self._unread.find(b"\n", seen)
        message: dict[str, Any] = json.loads(self._unread[:at])
        del self._unread[: at + 1]
        if message.get("id") == 0:
            raise WorkerBroken(message["err"]["message"])
        return message

    def _bytes(self, size: int) -> bytes:
        while len(self._unread) < size:
            self._read()
        data = bytes(self._unread[:size])
        del self._unread[:size]
        return data

    def _readable(self, timeout_ms: float | None) -> bool:
        if self._unread.find(b"\n") >= 0:
            return True
        poll = select.poll()
        poll.register(self._process.answers, select.POLLIN)
        return bool(poll.poll(timeout_ms))

    def _read(self) -> None:
        data = os.read(self._process.answers, _CHUNK)
        if not data:
            raise self._death()
        self._unread += data

    def _death(self) -> WorkerGone:
        try:
            code = self._process.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = -9
            self._process.process.kill()
        return WorkerGone(signal=-code) if code < 0 else WorkerGone(exit_code=code)


def _without_children(step: Mapping[str, Any]) -> dict[str, Any]:
    """A step without the steps inside it: these are known by themselves."""
    out = dict(step)
    for key, field in NESTED:
        config = out.get(key)
        if isinstance(config, dict) and isinstance(config.get(field), list):
            out[key] = {k: v for k, v in config.items() if k != field}
    return out


def _line(number: int, name: str, arguments: tuple[Any, ...]) -> bytes:
    # ASCII only: a lone surrogate has no UTF-8, and JSON's escape for it is what JavaScript reads back.
    return json.dumps([number, name, *arguments], separators=(",", ":")).encode() + b"\n"


def _settle(promise: Promise[None], message: Mapping[str, Any]) -> None:
    if "err" in message:
        promise.reject(_failure(message["err"]))
    else:
        promise.resolve(None)


def _failure(told: Mapping[str, Any]) -> StepFailure:
    return StepFailure(told["message"], code=told.get("code"))
