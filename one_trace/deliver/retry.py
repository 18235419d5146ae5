"""Retries for every sink: which requests are tried again, how often, after which wait, and until when.

A wait that the server asks for (``Retry-After``, ``error.details.retryAt``) goes before our own back-off. A
wait that the deadline does not allow is not begun.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Literal

from one_trace.deliver.answer import Answer

TRIES = 5
LASTING_TRIES = 2
"""For a failure that will not pass in a second, such as a refused connection."""
LASTING_WAIT_S = 0.2
BASE_S = 0.5
MAX_BACKOFF_S = 10.0
REQUEST_S = 15.0
MAX_WAIT_S = 24 * 3600.0
"""A server that asks for more than a day is asked again after one."""

Kind = Literal["network", "refused", "rejected"]
"""Not reached or not able; not allowed (key, scope, namespace); not accepted as it is."""


class DeliveryError(Exception):
    """Why something was not delivered. `wait_s`: the wait that the server asks for, or 0. `status`: that of
    the answer, if there was one. `accepted`: how many items the server took before, of a sink that does not
    send them again.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        hint: str | None = None,
        wait_s: float = 0.0,
        status: int | None = None,
        accepted: int = 0,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.accepted = accepted
        self.kind: Kind = kind
        self.message = message
        self.hint = hint
        self.wait_s = wait_s


class TooLarge(DeliveryError):
    """The server accepts less in one request."""


class Unreachable(DeliveryError):
    """No answer: refused, reset, timed out, not found. `lasting`: another try soon will fail the same way, as
    with a refused connection or an unknown name.
    """

    def __init__(self, reason: str, *, lasting: bool = False) -> None:
        super().__init__("network", reason)
        self.lasting = lasting


class Deadline:
    """A moment at which all waiting ends; `stop` ends it at once, from any thread."""

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


def is_temporary(status: int) -> bool:
    """Whether another try may get another answer: the service's own client tries these again."""
    return status == 429 or status >= 500


def with_retries(
    attempt: Callable[[float], Answer],
    deadline: Deadline,
    *,
    before: Callable[[], None] = lambda: None,
    tries: int | None = None,
    timeout_s: float | None = None,
    is_retryable: Callable[[int], bool] = is_temporary,
) -> Answer:
    """The first answer whose status is not retryable. `attempt` gets the seconds it may take (`timeout_s`,
    or less before the deadline); `before` is called ahead of each.

    Raises DeliveryError (``network``) after so many `tries` (5), after 2 lasting failures, at the deadline.
    """
    reason, asked_s, lasting = "no time was left", 0.0, 0
    tries = tries or TRIES
    for number in range(tries):
        if deadline.left <= 0:
            break
        before()
        try:
            answer = attempt(min(timeout_s or REQUEST_S, deadline.left))
        except Unreachable as error:
            reason, asked_s = str(error), 0.0
            lasting += error.lasting
        else:
            if not is_retryable(answer.status):
                return answer
            reason, asked_s = f"it answered {answer.status}", requested_wait_s(answer)
        if number == tries - 1 or lasting == LASTING_TRIES:
            break
        if not deadline.wait(asked_s or backoff_s(number, lasting=lasting > 0)):
            break
    raise DeliveryError("network", reason, wait_s=asked_s)


def backoff_s(number: int, *, lasting: bool = False) -> float:
    """Seconds to wait after try `number` (from 0): full jitter under a ceiling that doubles."""
    return random.uniform(0, LASTING_WAIT_S if lasting else min(MAX_BACKOFF_S, BASE_S * 2**number))


def requested_wait_s(answer: Answer) -> float:
    """Seconds that the server asks to be left alone; 0 if it asks for none or cannot be understood."""
    asked = max(0.0, _retry_after_s(answer.headers.get("retry-after", "")), _retry_at_s(answer))
    return min(asked, MAX_WAIT_S)


def _retry_after_s(value: str) -> float:
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.timestamp() - _now()
    except (ValueError, TypeError, IndexError, OverflowError):  # all that the email package raises
        return 0.0


def _retry_at_s(answer: Answer) -> float:
    details = answer.problem.details if answer.problem else None
    retry_at = details.get("retryAt") if isinstance(details, dict) else None
    return retry_at / 1000 - _now() if isinstance(retry_at, int | float) else 0.0


def _now() -> float:
    return time.time()
