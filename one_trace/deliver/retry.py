"""Patience, in one place: what is tried again, how often, after which wait, and until when.

No sink knows of it. What a server wants to be waited for (``Retry-After``, ``error.details.retryAt``) goes
before what we would wait; a wait that the deadline does not allow is not begun.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Literal

from msgspec import Struct

from one_trace.deliver.answer import decode

TRIES = 5
TRIES_AT_ONCE = 2
"""Of a failure that is known at once: where nobody listens now, nobody will in a second."""
AT_ONCE_S = 0.2
BASE_S = 0.5
LONGEST_S = 10.0
REQUEST_S = 15.0
MOST_ASKED_S = 24 * 3600.0
"""A server that asks for more than a day is asked again after one."""

Kind = Literal["network", "refused", "rejected"]
"""Not reached or not able; not allowed (key, scope, namespace); not wanted as it is."""


class DeliveryError(Exception):
    """Why something did not arrive. `wait_s`: how long the server wants to be left alone, 0 if it does not
    say. `status`: the answer's, where there was one.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        hint: str | None = None,
        wait_s: float = 0.0,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind: Kind = kind
        self.message = message
        self.hint = hint
        self.wait_s = wait_s


class TooLarge(Exception):
    """The server takes less at once."""


class Unreachable(Exception):
    """No answer: refused, reset, timed out, not found. `at_once`: it will be the same for a while, as where
    nothing listens or a name is not known.
    """

    def __init__(self, reason: str, *, at_once: bool = False) -> None:
        super().__init__(reason)
        self.at_once = at_once


class Answer(Struct):
    """What a server said. `headers` have lower-case names."""

    status: int
    headers: dict[str, str]
    body: bytes


class Deadline:
    """A moment that all waiting ends at; `stop` brings it here and now, from any thread."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._stopped = threading.Event()

    @property
    def left(self) -> float:
        return 0.0 if self._stopped.is_set() else max(0.0, self._end - time.monotonic())

    def stop(self) -> None:
        self._stopped.set()

    def wait(self, seconds: float) -> bool:
        """Wait, if there is time for it; False at once if there is not, or when stopped."""
        if seconds >= self.left:
            return False
        return not self._stopped.wait(seconds)


def is_passing(status: int) -> bool:
    """Whether an answer may be another one in a moment: the service's own client tries these again."""
    return status == 429 or status >= 500


def patiently(
    attempt: Callable[[float], Answer],
    deadline: Deadline,
    *,
    before: Callable[[], None] = lambda: None,
    longest_s: float | None = None,
    retryable: Callable[[int], bool] = is_passing,
) -> Answer:
    """The first answer that is worth reading. `attempt` is given the seconds it may take (`longest_s`, where
    the deadline is not nearer), `before` runs ahead of each; answers that are `retryable` are not read.

    Raises DeliveryError (``network``) after 5 tries, after 2 that failed at once, or at the deadline.
    """
    reason, wanted, at_once = "no time was left", 0.0, 0
    for number in range(TRIES):
        if deadline.left <= 0:
            break
        before()
        try:
            answer = attempt(min(longest_s or REQUEST_S, deadline.left))
        except Unreachable as error:
            reason, wanted = str(error), 0.0
            at_once += error.at_once
        else:
            if not retryable(answer.status):
                return answer
            reason, wanted = f"it answered {answer.status}", wanted_wait(answer)
        if number == TRIES - 1 or at_once == TRIES_AT_ONCE:
            break
        if not deadline.wait(wanted or (random.uniform(0, AT_ONCE_S) if at_once else backoff(number))):
            break
    raise DeliveryError("network", reason, wait_s=wanted)


def backoff(number: int) -> float:
    """Seconds to wait after try `number` (from 0): full jitter under a ceiling that doubles."""
    return random.uniform(0, min(LONGEST_S, BASE_S * 2**number))


def wanted_wait(answer: Answer) -> float:
    """Seconds that the server asks to be left alone; 0 if it asks for none, or for something unreadable."""
    asked = max(0.0, _retry_after(answer.headers.get("retry-after", "")), _retry_at(answer.body))
    return min(asked, MOST_ASKED_S)


def _retry_after(value: str) -> float:
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.timestamp() - _now()
    except (ValueError, TypeError, IndexError, OverflowError):  # all that the email package raises
        return 0.0


class _Details(Struct, rename="camel"):
    retry_at: float | None = None


class _Error(Struct):
    details: _Details | None = None


class _Body(Struct):
    error: _Error | None = None


def _retry_at(body: bytes) -> float:
    answer = decode(body, _Body)
    error = answer.error if answer else None
    if error is None or error.details is None or error.details.retry_at is None:
        return 0.0
    return error.details.retry_at / 1000 - _now()


def _now() -> float:
    return time.time()
