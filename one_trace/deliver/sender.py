"""From the outbox to the sinks: one job at a time, and its result written down."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from types import TracebackType
from typing import TYPE_CHECKING, Self

from msgspec import Struct

from one_trace.deliver import sinks
from one_trace.deliver.http_client import HttpClient
from one_trace.deliver.packing import pack, settings_at
from one_trace.deliver.retry import Deadline, DeliveryError
from one_trace.errors import CliError
from one_trace.settings.sources import DELIVERY
from one_trace.store import Store
from one_trace.store.outbox import Job, Outbox

if TYPE_CHECKING:
    from one_trace.deliver.sinks import Sink
    from one_trace.settings.sources import Settings

_RENEW_AFTER_S = 5.0
_REJECTED_WAIT_S = 3600.0
"""A run that a server rejected is tried again no sooner: every run that ends would pay for it."""
_AGAIN = "When that is fixed: 'one trace sync --retry-failed'."


class DeliveryResult(Struct):
    """The result of delivering one job. `problem` is None if it was delivered."""

    job: Job
    url: str | None = None
    problem: DeliveryError | None = None


class LeaseLost(Exception):
    """Another process has taken the job over: stop sending, and report nothing."""


class Sender:
    """Sends the runs of `store`, over one connection to each sink. A context manager: it closes them."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.outbox = Outbox(store)
        self._settings = settings
        self._open = ExitStack()
        self._clients: dict[str, tuple[Sink, HttpClient]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def send(
        self, sink: str, deadline: Deadline, *, run_id: str | None = None, early: bool = False
    ) -> DeliveryResult | None:
        """Claim a run for `sink`, send it and write the result down; None where there is none to send."""
        job = self.outbox.claim([sink], run_id=run_id, early=early)
        if job is None:
            return None
        try:
            url = self._send(job, deadline)
        except LeaseLost:
            return DeliveryResult(job, problem=DeliveryError("network", "another process is sending it"))
        except DeliveryError as problem:
            self._put_back(job, problem)
            return DeliveryResult(job, problem=problem)
        except CliError as error:
            # The sink lacks something (a package, a setting): not the run's fault, and easy to fix.
            self.outbox.later(
                job, f"{error.message} ({error.hint})" if error.hint else error.message, 0, job.accepted
            )
            return DeliveryResult(job, problem=DeliveryError("refused", error.message, hint=error.hint))
        except Exception as error:  # noqa: BLE001  one run that cannot be sent must not hold up all others
            # Its text is not shown: it may quote a header or the run itself.
            unknown = DeliveryError("rejected", f"stopped by an error: {type(error).__name__}")
            self._put_back(job, unknown)
            return DeliveryResult(job, problem=unknown)
        self.outbox.sent(job, url)
        return DeliveryResult(job, url=url)

    def _send(self, job: Job, deadline: Deadline) -> str | None:
        trace = self.store.trace(job.run_id)
        problem = settings_at(trace.run.cwd, self._settings).doubt(*DELIVERY)
        if problem:
            raise DeliveryError("rejected", problem.message, hint=problem.hint)
        sink, client = self._client(job.sink, deadline)
        client.deadline, client.before = deadline, self._lease_renewal(job)
        payload = pack(
            self.store,
            trace,
            job.sink,
            self._settings,
            visibility=job.visibility,
            accepted=job.accepted,
            revision=job.queued_ms,
        )
        return sink.send(payload, client)

    def _client(self, name: str, deadline: Deadline) -> tuple[Sink, HttpClient]:
        if name not in self._clients:
            sink = sinks.make(name, self._settings)
            client = self._open.enter_context(closing(HttpClient(sink.server(), deadline)))
            self._clients[name] = (sink, client)
        return self._clients[name]

    def _lease_renewal(self, job: Job) -> Callable[[], None]:
        """What to call ahead of each request: it holds the lease while the job is ours."""
        renewed = time.monotonic()

        def renew() -> None:
            nonlocal renewed
            if time.monotonic() - renewed < _RENEW_AFTER_S:
                return
            if not self.outbox.renew(job):
                raise LeaseLost
            renewed = time.monotonic()

        return renew

    def _put_back(self, job: Job, problem: DeliveryError) -> None:
        accepted = max(job.accepted, problem.accepted)
        if problem.kind == "refused":
            self.outbox.failed(job, f"{problem.message} ({problem.hint or _AGAIN})", accepted)
        else:
            wait_s = problem.wait_s if problem.kind == "network" else _REJECTED_WAIT_S * min(job.attempts, 24)
            self.outbox.later(job, problem.message, wait_s, accepted)
