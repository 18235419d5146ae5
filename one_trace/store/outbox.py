"""The outbox: which run is still to be sent to which sink, and who is sending it just now.

Claiming is one statement, so of two processes one gets the row. A claim is a lease: it is renewed before
every request, runs out by itself, and is void at once if the process that held it on this machine has died.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from one_trace.store.connect import troubles
from one_trace.store.rows import encode_text
from one_trace.store.save import NEVER_MS, queue
from one_trace.store.store import Store

LEASE_MS = 60_000
"""Longer than one request with its waiting may take (15 s and 10 s): a live sender never loses its lease."""
_MANY = 10
"""What was tried so often goes after all else: it may be that one run which the server cannot take."""
_COLUMNS = "run, sink, revision, attempts, visibility"


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
        self._owner = f"{_place()}:{os.getpid()}:{os.urandom(4).hex()}"

    def queue(self, runs: Sequence[str], sinks: Sequence[str]) -> None:
        """Queue runs of the store that have never been queued, or have changed since."""
        with self._store.writing() as connection:
            queue(connection, runs, sinks)

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
        with self._store.writing() as connection:
            self._free_the_dead(connection, now)
            row = connection.execute(
                "UPDATE outbox SET lease_owner = ?, lease_until_ms = ?, attempts = attempts + 1 "
                "WHERE (run, sink) = (SELECT outbox.run, outbox.sink FROM outbox "
                "JOIN runs ON runs.id = outbox.run "
                "WHERE outbox.state = 'queued' AND lease_until_ms <= ? AND next_try_ms <= ? "
                "AND outbox.sink IN (SELECT value FROM json_each(?)) AND (? IS NULL OR runs.run_id = ?) "
                f"ORDER BY outbox.attempts >= {_MANY}, runs.started_ms, outbox.run LIMIT 1) "
                f"RETURNING {_COLUMNS}, (SELECT run_id FROM runs WHERE id = outbox.run)",
                (
                    self._owner,
                    now + LEASE_MS,
                    now,
                    NEVER_MS if early else now,
                    _array(sinks),
                    run_id,
                    run_id,
                ),
            ).fetchone()
        return row and Job(row[0], row[5], *row[1:5])

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
                "SELECT state, count(*), sum(lease_until_ms > ?) FROM outbox "
                "WHERE sink IN (SELECT value FROM json_each(?)) GROUP BY state",
                (now, _array(sinks)),
            ).fetchall()
        counts = {state: (count, leased) for state, count, leased in rows}
        queued, leased = counts.get("queued", (0, 0))
        return Left(queued, counts.get("failed", (0, 0))[0], leased)

    def queued(self, sinks: Sequence[str]) -> list[tuple[str, str]]:
        """(run id, sink) of all that is queued, oldest first."""
        return [(run_id, sink) for run_id, sink, state, _ in self.errors(sinks) if state == "queued"]

    def is_queued(self, run_id: str, sink: str) -> bool:
        return (run_id, sink) in self.queued([sink])

    def errors(self, sinks: Sequence[str]) -> list[tuple[str, str, str, str]]:
        """(run id, sink, state, why) of all that is not delivered, oldest first."""
        sql = (
            "SELECT runs.run_id, sink, state, coalesce(outbox.error, '') FROM outbox "
            "JOIN runs ON runs.id = outbox.run "
            "WHERE state <> 'sent' AND sink IN (SELECT value FROM json_each(?)) "
            f"ORDER BY attempts >= {_MANY}, started_ms"
        )
        with troubles(self._store.path):
            return self._store.connection.execute(sql, (_array(sinks),)).fetchall()

    def _change(self, job: Job, what: str, *values: object, keep: bool = False) -> int:
        lease = "" if keep else ", lease_owner = NULL, lease_until_ms = 0"
        with self._store.writing() as connection:
            sql = f"UPDATE outbox SET {what}{lease} WHERE run = ? AND sink = ? AND lease_owner = ?"
            return connection.execute(sql, (*values, job.run, job.sink, self._owner)).rowcount

    def _free_the_dead(self, connection: sqlite3.Connection, now: int) -> None:
        owners = connection.execute(
            "SELECT DISTINCT lease_owner FROM outbox WHERE state = 'queued' AND lease_until_ms > ?", (now,)
        ).fetchall()
        dead = [(owner,) for (owner,) in owners if owner != self._owner and not _alive(owner)]
        connection.executemany(
            "UPDATE outbox SET lease_owner = NULL, lease_until_ms = 0 WHERE lease_owner = ?", dead
        )


def _alive(owner: str) -> bool:
    """Whether a lease's owner may still be sending: not if it was a process of this machine that is gone."""
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
    return not _zombie(pid)


def _zombie(pid: str) -> bool:
    """A process that was killed and not yet waited for answers signals, and does nothing more."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[:1] == [b"Z"]
    except OSError:
        return False


def _place() -> str:
    """This machine, and on Linux this table of process ids: containers may share a host's name."""
    try:
        table = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        table = ""
    return f"{os.uname().nodename}{table}".replace(":", "-")


def _now() -> int:
    return int(time.time() * 1000)


def _array(words: Sequence[str]) -> str:
    return encode_text(list(words))


def _without_secrets(error: str) -> str:
    """A client's or a server's words, without the keys that they may repeat in any spelling."""
    from one_trace.outbound.redact import redactor  # what is sent at once never needs it

    return redactor(os.environ)(error)
