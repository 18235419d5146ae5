"""The outbox: which run is still to be sent to which sink, and who is sending it just now.

Claiming is one statement, so of two processes one gets the row. A claim is a lease: it is renewed before
every request, runs out by itself, and is void at once if the process that held it on this machine has died.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from msgspec import Struct

from one_trace.store.connection import Connection
from one_trace.store.leases import alive, new_owner
from one_trace.store.rows import encode_text
from one_trace.store.save import NEVER_MS, queue
from one_trace.store.store import Store

LEASE_MS = 60_000
"""Longer than one request with its waiting may take (15 s and 10 s): a live sender never loses its lease."""
_LONGEST_WAIT_MS = 25 * 3_600_000
"""No sink waits longer than a day. A next try that is further away was set by a clock that has been set back
since: it is due now."""
_MANY = 10
"""What was tried so often goes after all else: it may be that one run which the server cannot take."""
_COLUMNS = "run, sink, revision, attempts, visibility"
_LEASED = "(lease_until_ms > :now AND lease_until_ms <= :longest)"
"""Until a moment after now, and no later than a lease can last: twice LEASE_MS, as clocks are not exact."""
_FREE = (
    f"outbox.state = 'queued' AND NOT {_LEASED} "
    f"AND (next_try_ms <= :due OR next_try_ms BETWEEN :too_late AND {NEVER_MS - 1})"
)
"""To be sent now, and by nobody else yet."""


class Job(Struct, frozen=True):
    """One run to be sent to one sink; `attempts` counts this one."""

    run: int
    run_id: str
    sink: str
    revision: str
    attempts: int
    visibility: str | None


class Left(Struct):
    """What stands in the outbox: rows by state, and of the queued ones those that another process is
    sending.
    """

    queued: int = 0
    failed: int = 0
    leased: int = 0


class Outbox:
    """The outbox of `store`, as this process sees it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._owner = new_owner()

    def queue(self, runs: Sequence[str], sinks: Sequence[str]) -> None:
        """Queue runs of the store that have never been queued, or have changed since."""
        with self._store.writing() as connection:
            queue(connection, runs, sinks)

    def queue_since(self, since_ms: int, sinks: Sequence[str]) -> set[int]:
        """Queue all runs started since (ms since 1970) that have never been queued, or have changed since.
        The numbers of those it has queued.
        """
        return self._queued(
            "INSERT INTO outbox (run, sink, state, revision, queued_ms) "
            "SELECT id, :sink, 'queued', revision, :now FROM runs WHERE started_ms >= :since "
            "ON CONFLICT (run, sink) DO UPDATE SET state = 'queued', revision = excluded.revision, "
            "attempts = 0, next_try_ms = 0, error = NULL, queued_ms = excluded.queued_ms "
            "WHERE outbox.revision <> excluded.revision RETURNING run",
            since_ms,
            sinks,
        )

    def queue_again(self, since_ms: int | None, sinks: Sequence[str]) -> set[int]:
        """Queue all runs started since, or ever, that were sent. The numbers of those it has queued."""
        return self._queued(
            "UPDATE outbox SET state = 'queued', attempts = 0, next_try_ms = 0, error = NULL, "
            "queued_ms = :now WHERE state = 'sent' AND sink = :sink "
            "AND run IN (SELECT id FROM runs WHERE started_ms >= :since) RETURNING run",
            since_ms or 0,
            sinks,
        )

    def _queued(self, sql: str, since_ms: int, sinks: Sequence[str]) -> set[int]:
        runs: set[int] = set()
        with self._store.writing() as connection:
            for sink in sinks:
                values = {"sink": sink, "now": _now(), "since": since_ms}
                runs.update(run for (run,) in connection.execute(sql, values))
        return runs

    def again(self, run_id: str, sink: str, visibility: str | None = None) -> None:
        """Queue a run whatever became of it before, with the visibility it is to have from now on."""
        with self._store.writing() as connection:
            connection.execute(
                "INSERT INTO outbox (run, sink, state, revision, queued_ms, visibility) "
                "SELECT id, ?2, 'queued', revision, ?3, ?4 FROM runs WHERE run_id = ?1 "
                "ON CONFLICT (run, sink) DO UPDATE SET state = 'queued', revision = excluded.revision, "
                "next_try_ms = 0, error = NULL, visibility = coalesce(excluded.visibility, visibility)",
                (run_id, sink, _now(), visibility),
            )

    def retry_failed(self, sinks: Sequence[str]) -> int:
        """Queue anew what a sink had refused; how many rows that were."""
        with self._store.writing() as connection:
            changed = connection.executemany(
                "UPDATE outbox SET state = 'queued', attempts = 0, next_try_ms = 0 "
                "WHERE state = 'failed' AND sink = ?",
                [(sink,) for sink in sinks],
            )
            return changed.rowcount

    def claim(self, sinks: Sequence[str], *, run_id: str | None = None, early: bool = False) -> Job | None:
        """The next run to send, now leased to us: `run_id`, else the oldest that is due (`early`: due or
        not).

        None where there is none that no other process is sending.
        """
        now = _now()
        # A run that is named is looked up: to look for it among all that is queued takes time for each.
        named = "" if run_id is None else "AND outbox.run = (SELECT id FROM runs WHERE run_id = :run_id) "
        with self._store.writing() as connection:
            self._free_the_dead(connection, now)
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
        return row and Job(row[0], row[5], *row[1:5])

    def due(self, sink: str, most: int) -> list[str]:
        """Ids of the runs that may be sent to `sink` now, oldest first, `most` of them: still to be
        claimed.
        """
        rows = self._store.connection.execute(
            "SELECT run_id FROM outbox JOIN runs ON runs.id = outbox.run "
            f"WHERE {_FREE} AND sink = :sink "
            f"ORDER BY attempts >= {_MANY}, started_ms, runs.id LIMIT :most",
            {**_moments(_now()), "sink": sink, "most": most},
        )
        return [run_id for (run_id,) in rows]

    def renew(self, job: Job) -> bool:
        """Hold the lease for longer; False if it is no longer ours, and sending must stop."""
        changed = self._change(job, "lease_until_ms = ?", _now() + LEASE_MS, keep=True)
        return changed == 1

    def sent(self, job: Job, url: str | None) -> None:
        """It arrived. If the run has changed meanwhile, it stays queued for the rest."""
        self._change(
            job,
            "state = CASE WHEN revision = ? THEN 'sent' ELSE 'queued' END, "
            "url = coalesce(?, url), sent_ms = ?, error = NULL, next_try_ms = 0",
            job.revision,
            url,
            _now(),
        )

    def later(self, job: Job, error: str, wait_s: float) -> None:
        """It did not arrive; worth another try after `wait_s` seconds."""
        self._change(
            job,
            f"error = ?, next_try_ms = CASE WHEN next_try_ms = {NEVER_MS} THEN next_try_ms ELSE ? END",
            _without_secrets(error),
            _now() + int(wait_s * 1000),
        )

    def failed(self, job: Job, error: str) -> None:
        """It was refused, and will be until somebody changes something."""
        self._change(job, "state = 'failed', error = ?", _without_secrets(error))

    def left(self, sinks: Sequence[str]) -> Left:
        """What is not delivered."""
        now = _now()
        with self._store.writing() as connection:
            self._free_the_dead(connection, now)
            rows = connection.execute(
                f"SELECT state, count(*), sum({_LEASED}) FROM outbox "
                "WHERE sink IN (SELECT value FROM json_each(:sinks)) GROUP BY state",
                {"now": now, "longest": now + 2 * LEASE_MS, "sinks": _array(sinks)},
            ).fetchall()
        counts = {state: (count, leased) for state, count, leased in rows}
        queued, leased = counts.get("queued", (0, 0))
        return Left(queued, counts.get("failed", (0, 0))[0], leased)

    def queued(self, sinks: Sequence[str]) -> list[tuple[str, str]]:
        """(run id, sink) of all that is queued, oldest first."""
        return [(run_id, sink) for run_id, sink, state, _ in self.errors(sinks) if state == "queued"]

    def is_queued(self, run_id: str, sink: str) -> bool:
        sql = (
            "SELECT 1 FROM outbox WHERE run = (SELECT id FROM runs WHERE run_id = ?) "
            "AND sink = ? AND state = 'queued'"
        )
        return self._store.connection.execute(sql, (run_id, sink)).fetchone() is not None

    def errors(self, sinks: Sequence[str]) -> list[tuple[str, str, str, str]]:
        """(run id, sink, state, why) of all that is not delivered, oldest first."""
        sql = (
            "SELECT runs.run_id, sink, state, coalesce(outbox.error, '') FROM outbox "
            "JOIN runs ON runs.id = outbox.run "
            "WHERE state <> 'sent' AND sink IN (SELECT value FROM json_each(?)) "
            f"ORDER BY attempts >= {_MANY}, started_ms"
        )
        return self._store.connection.execute(sql, (_array(sinks),)).fetchall()

    def _change(self, job: Job, what: str, *values: object, keep: bool = False) -> int:
        lease = "" if keep else ", lease_owner = NULL, lease_until_ms = 0"
        with self._store.writing() as connection:
            sql = f"UPDATE outbox SET {what}{lease} WHERE run = ? AND sink = ? AND lease_owner = ?"
            return connection.execute(sql, (*values, job.run, job.sink, self._owner)).rowcount

    def _free_the_dead(self, connection: Connection, now: int) -> None:
        owners = connection.execute(
            "SELECT DISTINCT lease_owner FROM outbox WHERE lease_owner IS NOT NULL AND lease_until_ms > ?",
            (now,),
        ).fetchall()
        dead = [(owner,) for (owner,) in owners if owner != self._owner and not alive(owner)]
        connection.executemany(
            "UPDATE outbox SET lease_owner = NULL, lease_until_ms = 0 WHERE lease_owner = ?", dead
        )


def _now() -> int:
    return int(time.time() * 1000)


def _moments(now: int, *, early: bool = False) -> dict[str, int]:
    """The values of _FREE; `early`: what is not due is free, too."""
    return {
        "now": now,
        "longest": now + 2 * LEASE_MS,
        "due": NEVER_MS if early else now,
        "too_late": now + _LONGEST_WAIT_MS,
    }


def _array(words: Sequence[str]) -> str:
    return encode_text(list(words))


def _without_secrets(error: str) -> str:
    """A client's or a server's words, without the keys that they may repeat in any spelling."""
    from one_trace.outbound.redact import redactor  # what is sent at once never needs it

    return redactor(os.environ)(error)
