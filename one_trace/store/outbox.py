"""The outbox: which runs are still to be sent to which sink, and which process is sending each.

Claiming is one statement, so only one of two processes gets a row. A claim is a lease: it is renewed before
every request, expires by itself, and is void at once if the process on this machine that held it has died.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from one_trace.store.connection import Connection
from one_trace.store.reader import Reader, number_sql
from one_trace.store.rows import encode_text
from one_trace.store.save import NEVER_MS, OTHER_CONTENT

LEASE_MS = 60_000
"""Longer than a request and its wait may take (15 s and 10 s): a live sender never loses its lease."""
_LONGEST_WAIT_MS = 25 * 3_600_000
"""No sink waits longer than a day. A next try further away than this was set before the clock was set back:
it is due now.
"""
_MANY = 10
"""Runs that were tried this often go last: the server may be unable to take them."""
_COLUMNS = (
    "run, sink, revision, attempts, visibility, CASE accepted_of WHEN revision THEN accepted ELSE 0 END, "
    "queued_ms"
)
_LEASED = "(lease_until_ms > :now AND lease_until_ms <= :longest)"
"""Ends after now, but no later than a lease can last: twice LEASE_MS, since clocks are not exact."""
_FREE = (
    f"outbox.state = 'queued' AND NOT {_LEASED} "
    f"AND (next_try_ms <= :due OR next_try_ms BETWEEN :too_late AND {NEVER_MS - 1})"
)
"""Due, and not claimed by another process."""

_FAILED = "error = ?, accepted = ?, accepted_of = ?"


class Job(Struct, frozen=True):
    """One run to be sent to one sink; `attempts` counts this one. `accepted`: how many items of this revision
    the sink has accepted already, in an attempt that failed later. `queued_ms`: when this content was queued,
    in ms since 1970; later than any other content of this run before."""

    run: int
    run_id: str
    sink: str
    revision: str
    attempts: int
    visibility: str | None
    accepted: int = 0
    queued_ms: int = 0


class Outbox:
    """The outbox of `store`. Each instance has leases of its own."""

    def __init__(self, store: Reader) -> None:
        self._connection = store.connection
        self._owner = f"{_place()}:{os.getpid()}:{os.urandom(4).hex()}"

    def queue_since(self, since_ms: int, sinks: Sequence[str]) -> set[int]:
        """Queue all runs started at `since_ms` (ms since 1970) or later that were never queued, or have
        changed since they were. Returns their numbers.
        """
        return self._queued(
            "INSERT INTO outbox (run, sink, state, revision, queued_ms) "
            "SELECT id, :sink, 'queued', revision, :now FROM runs WHERE started_ms >= :since "
            "ON CONFLICT (run, sink) DO UPDATE SET state = 'queued', revision = excluded.revision, "
            f"attempts = 0, next_try_ms = 0, error = NULL, {OTHER_CONTENT} "
            "WHERE outbox.revision <> excluded.revision RETURNING run",
            since_ms,
            sinks,
        )

    def queue_again(self, since_ms: int | None, sinks: Sequence[str]) -> set[int]:
        """Queue all sent runs, or those started at `since_ms` or later. Returns their numbers."""
        return self._queued(
            "UPDATE outbox SET state = 'queued', attempts = 0, next_try_ms = 0, error = NULL, "
            "queued_ms = max(:now, queued_ms + 1) WHERE state = 'sent' AND sink = :sink "
            "AND run IN (SELECT id FROM runs WHERE started_ms >= :since) RETURNING run",
            since_ms or 0,
            sinks,
        )

    def retry_failed(self, sinks: Sequence[str]) -> set[int]:
        """Queue again what a sink has refused. Returns the numbers of the runs."""
        return self._queued(
            "UPDATE outbox SET state = 'queued', attempts = 0, next_try_ms = 0 "
            "WHERE state = 'failed' AND sink = :sink RETURNING run",
            0,
            sinks,
        )

    def _queued(self, sql: str, since_ms: int, sinks: Sequence[str]) -> set[int]:
        runs: set[int] = set()
        with self._connection.writing() as connection:
            for sink in sinks:
                values = {"sink": sink, "now": _now(), "since": since_ms}
                runs.update(run for (run,) in connection.execute(sql, values))
        return runs

    def again(self, run_id: str, sink: str, visibility: str | None = None) -> None:
        """Queue a run whatever its state, with the visibility that it has from now on."""
        with self._connection.writing() as connection:
            connection.execute(
                "INSERT INTO outbox (run, sink, state, revision, queued_ms, visibility) "
                f"SELECT id, ?2, 'queued', revision, ?3, ?4 FROM runs WHERE id = {number_sql('?1')} "
                "ON CONFLICT (run, sink) DO UPDATE SET state = 'queued', revision = excluded.revision, "
                "next_try_ms = 0, error = NULL, visibility = coalesce(excluded.visibility, visibility), "
                f"{OTHER_CONTENT}",
                (run_id, sink, _now(), visibility),
            )

    def claim(self, sinks: Sequence[str], *, run_id: str | None = None, early: bool = False) -> Job | None:
        """Claim the next run to send: `run_id`, else the oldest that is due (`early`: due or not).

        None if there is none, or if another process is sending it.
        """
        now = _now()
        # Looking a run up by its number does not slow down with the length of the queue.
        named = "" if run_id is None else f"AND outbox.run = {number_sql(':run_id')} "
        with self._connection.writing() as connection:
            self._free_dead(connection, now)
            row = connection.execute(
                "UPDATE outbox SET lease_owner = :owner, lease_until_ms = :until, attempts = attempts + 1 "
                "WHERE (run, sink) = (SELECT outbox.run, outbox.sink FROM outbox "
                "JOIN runs ON runs.id = outbox.run "
                f"WHERE {_FREE} AND outbox.sink IN (SELECT value FROM json_each(:sinks)) {named}"
                f"ORDER BY outbox.attempts >= {_MANY}, runs.started_ms, outbox.run LIMIT 1) "
                f"RETURNING {_COLUMNS}, (SELECT run_id FROM runs WHERE id = outbox.run)",
                {
                    "owner": self._owner,
                    "until": now + LEASE_MS,
                    **_moments(now, early=early),
                    "sinks": _array(sinks),
                    "run_id": run_id,
                },
            ).fetchone()
        return row and Job(row[0], row[-1], *row[1:-1])

    def due(self, sink: str, most: int) -> list[str]:
        """The oldest `most` runs that may be sent to `sink` now. They are still to be claimed."""
        rows = self._connection.execute(
            "SELECT run_id FROM outbox JOIN runs ON runs.id = outbox.run "
            f"WHERE {_FREE} AND sink = :sink "
            f"ORDER BY attempts >= {_MANY}, started_ms, runs.id LIMIT :most",
            {**_moments(_now()), "sink": sink, "most": most},
        )
        return [run_id for (run_id,) in rows]

    def renew(self, job: Job) -> bool:
        """Extend the lease. False if it is no longer ours, and sending must stop."""
        return self._change(job, "lease_until_ms = ?", _now() + LEASE_MS, keep=True) == 1

    def sent(self, job: Job, url: str | None) -> None:
        """Record that the job was sent. If the run has changed meanwhile, it stays queued."""
        self._change(
            job,
            "state = CASE WHEN revision = ? THEN 'sent' ELSE 'queued' END, "
            "url = coalesce(?, url), sent_ms = ?, error = NULL, next_try_ms = 0, accepted_of = NULL",
            job.revision,
            url,
            _now(),
        )

    def later(self, job: Job, error: str, wait_s: float, accepted: int = 0) -> None:
        """Record that the job failed and is to be tried again after `wait_s` seconds; the sink has `accepted`
        items of it.
        """
        self._change(
            job,
            f"{_FAILED}, next_try_ms = CASE WHEN next_try_ms = {NEVER_MS} THEN next_try_ms ELSE ? END",
            _without_secrets(error),
            accepted,
            job.revision,
            _now() + int(wait_s * 1000),
        )

    def failed(self, job: Job, error: str, accepted: int = 0) -> None:
        """Record that the job was refused, and will be until something is changed."""
        self._change(job, f"state = 'failed', {_FAILED}", _without_secrets(error), accepted, job.revision)

    def queued(self, sinks: Sequence[str]) -> list[tuple[str, str]]:
        """(run id, sink) of everything queued for `sinks`, oldest first."""
        return [
            (run_id, sink)
            for run_id, sink, state, _ in self.undelivered()
            if state == "queued" and sink in sinks
        ]

    def is_queued(self, run_id: str, sink: str) -> bool:
        sql = f"SELECT 1 FROM outbox WHERE run = {number_sql('?1')} AND sink = ?2 AND state = 'queued'"
        return self._connection.execute(sql, (run_id, sink)).fetchone() is not None

    def undelivered(self) -> list[tuple[str, str, str, str]]:
        """(run id, sink, state, error) of everything not delivered to any sink, oldest first."""
        sql = (
            "SELECT runs.run_id, sink, state, coalesce(outbox.error, '') FROM outbox "
            "JOIN runs ON runs.id = outbox.run WHERE state <> 'sent' "
            f"ORDER BY attempts >= {_MANY}, started_ms"
        )
        return self._connection.execute(sql).fetchall()

    def _change(self, job: Job, changes: str, *values: object, keep: bool = False) -> int:
        lease = "" if keep else ", lease_owner = NULL, lease_until_ms = 0"
        with self._connection.writing() as connection:
            sql = f"UPDATE outbox SET {changes}{lease} WHERE run = ? AND sink = ? AND lease_owner = ?"
            return connection.execute(sql, (*values, job.run, job.sink, self._owner)).rowcount

    def _free_dead(self, connection: Connection, now: int) -> None:
        owners = connection.execute(
            "SELECT DISTINCT lease_owner FROM outbox WHERE lease_owner IS NOT NULL AND lease_until_ms > ?",
            (now,),
        ).fetchall()
        dead = [(owner,) for (owner,) in owners if owner != self._owner and not _may_be_alive(owner)]
        connection.executemany(
            "UPDATE outbox SET lease_owner = NULL, lease_until_ms = 0 WHERE lease_owner = ?", dead
        )


def _now() -> int:
    return int(time.time() * 1000)


def _moments(now: int, *, early: bool = False) -> dict[str, int]:
    """The values of the parameters of _FREE. `early`: whether due or not."""
    return {
        "now": now,
        "longest": now + 2 * LEASE_MS,
        "due": NEVER_MS if early else now,
        "too_late": now + _LONGEST_WAIT_MS,
    }


def _array(words: Sequence[str]) -> str:
    return encode_text(list(words))


def _without_secrets(error: str) -> str:
    """An error of a client or server, without the keys that it may repeat in any spelling."""
    from one_trace.outbound.redact import redactor  # not needed if everything is sent

    return redactor(os.environ)(error)


def _may_be_alive(owner: str) -> bool:
    """Whether the owner of a lease may still be sending. It is not if it was a process of this machine that
    has ended.
    """
    place, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    if place != _place() or not pid.isdecimal():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: str) -> bool:
    """Whether a process was killed but not waited for: it accepts signals, but does nothing any more."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[:1] == [b"Z"]
    except OSError:
        return False


def _place() -> str:
    """This machine and, on Linux, this namespace of process ids: containers may share a host name."""
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = ""
    return f"{os.uname().nodename}{namespace}".replace(":", "-")
