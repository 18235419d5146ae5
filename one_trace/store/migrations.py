"""The layout of the store as numbered migrations, and applying those that a store lacks.

A migration is *additive* if older versions of one-trace can go on writing after it: a new table, a new index,
or a new column that may be null. It is listed in the table `additions`. All others are *breaking* and are
listed in `migrations`, the only table that 0.1.0 looks at: a version that does not know one of them leaves
this file alone and keeps a store of its own beside it (see `opening`).

What other packages may read through `Store.connection` (times ``*_ms`` are ms since 1970 UTC, sizes are
bytes):

``runs``
    One row per run. `id` is the small number that all other tables use. `trace_id` identifies a run.
    `run_id` is unique in the store: the host's run id or, if another run had that first, the trace id;
    `host_run_id` is then the host's run id, and null otherwise.
    `started_ms` orders and filters. `spans`, `success`, `error`, `timeout`, `skipped`, `stopped`,
    `incomplete`, `retries` are `Run.counts`; `input_tokens` to `turns` are `Run.usage` (all null: no LLM
    step), `models` and `sessions` JSON arrays of names. `flow_version` refers to `flow_versions.id`; null if
    the flow file was not found. `traceparent` is the W3C trace context in which the run was started, if any.
    `tags` is a JSON object of texts, null if there are none. `place` is a JSON object of OpenTelemetry
    attributes: where the run took place; null if it was imported.
    `document_uploads` is null in runs that were read from their record; in those imported from a trace
    document it has the document's `uploads` as JSON. `exit` is `Run.exit` as JSON.
``flow_versions``
    One row per version of a flow that ran: `version` is the hash of the definition, `static_paths` a JSON
    array of all its steps, `step_timeouts` a JSON object of ``timeoutMs`` by static path, `plan` a JSON array
    of `PlannedStep` (null in rows written before 0009).
``steps``
    One row per distinct (`flow`, `path`, `step_id`, `name`, `type`, `flow_key`). `flow` is the key of the
    run's own flow, `flow_key` the key of the flow whose file holds the step. `path` is the static path:
    `flow` and the step ids down to the step, joined by `` > ``, without ``[i]`` and ``#k``. A step that was
    renamed or got another type has several rows: group by (`flow`, `path`) and take name and type of the
    greatest `id`. Where `parent` is not null, `path` is not the whole path: see `deep_paths`.
``step_runs``
    The summary that statistics read instead of a million spans: one row per step and run. `started_ms` is the
    run's. `success` to `incomplete` count spans by status, `retries` and `late` are sums; `durations` has the
    ms of each span that has a duration, in the order of the spans: the byte ``d`` and an ``array('d')`` in
    the machine's byte order, in rows written before 0009 an ``array('f')`` alone (its length in bytes is a
    multiple of four); `sum_ms`, `max_ms` and `self_ms` (time less the union of the children's) are of the
    same spans. `busy_ms` is how long at least one of the spans ran while the run did (null in rows written
    before 0009). `output_bytes` and `max_output_bytes` are null if no output was measured. `cost_usd`,
    tokens and `turns` are null if no span had usage; `models` is a JSON array. `wasted_usd` is the part of
    `cost_usd` of spans that did not end in success. The key is (step, run): all rows of one step are one
    range, ``GROUP BY step`` needs no sorting.
``spans``
    One row per span; `seq` is the order of the trace document, `derived` names joined by commas, `usage`
    JSON. Where `tail` is not null, `path` is that of the parent and `tail`. ``WHERE usage IS NOT NULL`` has
    an index. `error` is redacted; `command_end` is how many of its
    characters are the command that failed, if that is known: these never leave the machine.
``outbox``
    One row per run and sink: `state` is queued, sent or failed, `revision` the content that is or was to be
    sent; a lease (`lease_owner` until `lease_until_ms`) says which process is sending it. Of the revision
    `accepted_of`, the sink has accepted the first `accepted` items before an attempt failed.
``pruned``
    Facts about deleted runs that their record does not tell, in case one is imported again: the version of
    its executor, its tags, and as JSON how its process ended and the sinks it was sent to.
``call_days``
    The LLM calls of the runs that started from `begin_ms` until `end_ms`, a day of some reader, summed up for
    the next time; `form` says by what. Made by readers; triggers delete the day of a run that is added,
    changed or deleted, by whatever version of one-trace.
``imports``
    Records that were imported, so that an unchanged one need not be read again: see `imports`.
"""

from __future__ import annotations

from collections.abc import Collection, Set
from typing import NamedTuple

from one_trace.store.connection import Connection
from one_trace.store.store_errors import damaged


class Migration(NamedTuple):
    name: str
    sql: str
    additive: bool = False


_STALE_DAY = (  # no day has 50 hours: only the index of the last ones is looked at
    "DELETE FROM call_days WHERE begin_ms > {0}.started_ms - 180000000"
    " AND begin_ms <= {0}.started_ms AND end_ms > {0}.started_ms"
)
_OLD, _NEW = _STALE_DAY.format("OLD"), _STALE_DAY.format("NEW")
_CALL_DAYS = f"""
    CREATE TABLE call_days (
        begin_ms INTEGER, end_ms INTEGER, form TEXT NOT NULL, calls BLOB NOT NULL,
        PRIMARY KEY (begin_ms, end_ms)
    );
    CREATE TRIGGER call_days_added AFTER INSERT ON runs BEGIN {_NEW}; END;
    CREATE TRIGGER call_days_deleted AFTER DELETE ON runs BEGIN {_OLD}; END;
    CREATE TRIGGER call_days_changed AFTER UPDATE ON runs
    WHEN (OLD.revision, OLD.started_ms, OLD.started_at, OLD.flow_key, OLD.cwd, OLD.status)
        IS NOT (NEW.revision, NEW.started_ms, NEW.started_at, NEW.flow_key, NEW.cwd, NEW.status)
    BEGIN {_OLD}; {_NEW}; END;
"""

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        "0001-runs-spans-outbox",
        """
        CREATE TABLE flow_versions (
            id INTEGER PRIMARY KEY,
            flow_key TEXT NOT NULL,
            version TEXT NOT NULL,
            static_paths TEXT NOT NULL,
            step_timeouts TEXT NOT NULL,
            UNIQUE (flow_key, version)
        );
        CREATE TABLE runs (
            id INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL UNIQUE,
            trace_id TEXT NOT NULL,
            flow_key TEXT NOT NULL,
            status TEXT NOT NULL,
            started_at TEXT NOT NULL,
            started_ms INTEGER NOT NULL,
            ended_at TEXT,
            duration_ms NUMERIC,
            executor TEXT NOT NULL,
            executor_version TEXT,
            cwd TEXT,
            input_bytes INTEGER,
            input_count INTEGER,
            spans INTEGER NOT NULL,
            success INTEGER NOT NULL,
            error INTEGER NOT NULL,
            timeout INTEGER NOT NULL,
            skipped INTEGER NOT NULL,
            stopped INTEGER NOT NULL,
            incomplete INTEGER NOT NULL,
            retries INTEGER NOT NULL,
            input_tokens INTEGER,
            output_tokens INTEGER,
            cache_read_tokens INTEGER,
            cache_write_tokens INTEGER,
            cost_usd REAL,
            turns INTEGER,
            models TEXT,
            sessions TEXT,
            session_agent TEXT,
            session_id TEXT,
            parent_run_id TEXT,
            cause TEXT,
            partial TEXT,
            flow_version INTEGER,
            revision TEXT NOT NULL
        );
        CREATE INDEX runs_by_start ON runs (started_ms);
        CREATE INDEX runs_by_flow ON runs (flow_key, started_ms);
        CREATE TABLE steps (
            id INTEGER PRIMARY KEY,
            flow TEXT NOT NULL,
            path TEXT NOT NULL,
            step_id TEXT NOT NULL,
            name TEXT NOT NULL,
            type TEXT NOT NULL,
            flow_key TEXT NOT NULL,
            UNIQUE (flow, path, step_id, name, type, flow_key)
        );
        CREATE TABLE spans (
            run INTEGER NOT NULL,
            span_id TEXT NOT NULL,
            seq INTEGER NOT NULL,
            parent_span_id TEXT,
            step INTEGER NOT NULL,
            path TEXT NOT NULL,
            iteration INTEGER,
            branch TEXT,
            child_index INTEGER,
            parent_attempt INTEGER,
            attempts INTEGER NOT NULL,
            retries INTEGER NOT NULL,
            status TEXT NOT NULL,
            started_at TEXT NOT NULL,
            start_ms NUMERIC NOT NULL,
            duration_ms NUMERIC,
            input_bytes INTEGER,
            output_bytes INTEGER,
            error TEXT,
            error_code TEXT,
            late INTEGER NOT NULL,
            derived TEXT,
            usage TEXT,
            PRIMARY KEY (run, span_id)
        ) WITHOUT ROWID;
        CREATE TABLE step_runs (
            step INTEGER NOT NULL,
            run INTEGER NOT NULL,
            started_ms INTEGER NOT NULL,
            spans INTEGER NOT NULL,
            success INTEGER NOT NULL,
            error INTEGER NOT NULL,
            timeout INTEGER NOT NULL,
            skipped INTEGER NOT NULL,
            stopped INTEGER NOT NULL,
            incomplete INTEGER NOT NULL,
            retries INTEGER NOT NULL,
            late INTEGER NOT NULL,
            durations BLOB NOT NULL,
            sum_ms REAL NOT NULL,
            max_ms REAL,
            self_ms REAL NOT NULL,
            input_bytes INTEGER,
            output_bytes INTEGER,
            max_output_bytes INTEGER,
            cost_usd REAL,
            wasted_usd REAL,
            input_tokens INTEGER,
            output_tokens INTEGER,
            cache_read_tokens INTEGER,
            cache_write_tokens INTEGER,
            turns INTEGER,
            models TEXT,
            PRIMARY KEY (step, run)
        ) WITHOUT ROWID;
        CREATE TABLE outbox (
            run INTEGER NOT NULL,
            sink TEXT NOT NULL,
            state TEXT NOT NULL,
            revision TEXT NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            queued_ms INTEGER NOT NULL,
            next_try_ms INTEGER NOT NULL DEFAULT 0,
            sent_ms INTEGER,
            url TEXT,
            error TEXT,
            visibility TEXT,
            lease_owner TEXT,
            lease_until_ms INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (run, sink)
        ) WITHOUT ROWID;
        CREATE INDEX outbox_by_state ON outbox (state, next_try_ms);
        CREATE TABLE namespaces (
            origin TEXT NOT NULL,
            key_hash TEXT NOT NULL,
            slugs TEXT NOT NULL,
            read_ms INTEGER NOT NULL,
            PRIMARY KEY (origin, key_hash)
        ) WITHOUT ROWID;
        """,
    ),
    Migration(
        "0002-spans-with-usage",
        # Only spans tell what calls cost by model, and few spans have usage.
        "CREATE INDEX spans_with_usage ON spans (run) WHERE usage IS NOT NULL",
    ),
    Migration("0003-trace-context", "ALTER TABLE runs ADD COLUMN traceparent TEXT"),
    Migration("0004-other-events", "ALTER TABLE runs ADD COLUMN other_events TEXT"),
    Migration("0005-other-fields", "ALTER TABLE runs ADD COLUMN other_fields TEXT"),
    Migration(
        "0006-delivery",
        # Each delivery asks who holds leases, and which runs a run has started.
        """
        CREATE INDEX outbox_leases ON outbox (lease_owner) WHERE lease_owner IS NOT NULL;
        CREATE INDEX runs_by_parent ON runs (parent_run_id) WHERE parent_run_id IS NOT NULL;
        """,
        additive=True,
    ),
    Migration(
        "0007-pruned",
        """
        CREATE TABLE pruned (
            id INTEGER PRIMARY KEY,
            trace_id TEXT NOT NULL UNIQUE,
            executor_version TEXT,
            uploads TEXT NOT NULL
        )
        """,
        additive=True,
    ),
    Migration(
        "0008-command-ends",
        "ALTER TABLE spans ADD COLUMN command_end INTEGER",
        additive=True,
    ),
    Migration(
        "0009-plans-and-shares",
        "ALTER TABLE flow_versions ADD COLUMN plan TEXT; ALTER TABLE step_runs ADD COLUMN busy_ms REAL",
        additive=True,
    ),
    Migration(
        "0010-trace-ids",
        # Two projects may have runs of the same id; `run_id` must stay unique for older versions.
        """
        ALTER TABLE runs ADD COLUMN host_run_id TEXT;
        ALTER TABLE runs ADD COLUMN document_uploads TEXT;
        CREATE INDEX runs_by_trace ON runs (trace_id);
        CREATE INDEX runs_by_host_id ON runs (host_run_id) WHERE host_run_id IS NOT NULL;
        """,
        additive=True,
    ),
    Migration(
        "0011-imports",
        """
        CREATE TABLE imports (
            folder TEXT NOT NULL,
            name TEXT NOT NULL,
            stamp TEXT NOT NULL,
            flow_files TEXT NOT NULL,
            flow_stamp TEXT NOT NULL,
            run INTEGER,
            revision TEXT,
            outcome TEXT NOT NULL,
            PRIMARY KEY (folder, name)
        ) WITHOUT ROWID;
        CREATE INDEX imports_by_run ON imports (run);
        """,
        additive=True,
    ),
    Migration(
        "0012-exits",
        "ALTER TABLE runs ADD COLUMN exit TEXT; ALTER TABLE pruned ADD COLUMN exit TEXT",
        additive=True,
    ),
    Migration(
        "0013-tags",
        "ALTER TABLE runs ADD COLUMN tags TEXT; ALTER TABLE pruned ADD COLUMN tags TEXT",
        additive=True,
    ),
    Migration(
        "0014-accepted",
        "ALTER TABLE outbox ADD COLUMN accepted INTEGER; ALTER TABLE outbox ADD COLUMN accepted_of TEXT",
        additive=True,
    ),
    Migration("0015-places", "ALTER TABLE runs ADD COLUMN place TEXT", additive=True),
    # To find versions that no run has any more, while other processes wait.
    Migration("0016-runs-by-version", "CREATE INDEX runs_by_version ON runs (flow_version)", additive=True),
    Migration(
        "0017-deep-paths",
        """
        ALTER TABLE spans ADD COLUMN tail TEXT;
        ALTER TABLE steps ADD COLUMN parent INTEGER;
        CREATE INDEX deep_steps ON steps (flow) WHERE parent IS NOT NULL;
        """,
        additive=True,
    ),
    Migration("0018-call-days", _CALL_DAYS, additive=True),
)
"""In the order they are applied. A published migration is never changed: add the next number."""

KNOWN = frozenset(each.name for each in MIGRATIONS)
_BREAKING = frozenset(each.name for each in MIGRATIONS if not each.additive)
LAYOUT = max(_BREAKING)[:4]
"""The number of the last breaking migration: one version of one-trace can write stores of one LAYOUT only."""
_LEDGERS = {False: "migrations", True: "additions"}
"""The tables that list breaking and additive migrations."""


class NewerLayout(Exception):
    """The store has a breaking migration that this version does not know, so it must not be written."""


def migrate(connection: Connection) -> None:
    """Apply the missing migrations. Raises NewerLayout, StoreError."""
    if not missing(connection):
        return
    with connection.writing():
        # Read again: another process may have applied them while we waited for the lock.
        apply(connection, missing(connection))


def missing(connection: Connection) -> frozenset[str]:
    """Names of the migrations that the store lacks. Raises NewerLayout, StoreError."""
    applied = _applied(connection)
    newer = applied["migrations"] - KNOWN
    if newer and not applied["migrations"] >= _BREAKING:
        # Whoever applies a newer one has applied all older ones first.
        names = ", ".join(sorted(map(ascii, newer)))
        raise damaged(connection.path, f"it has the migrations {names} but lacks earlier ones")
    if newer:
        raise NewerLayout(", ".join(sorted(newer)))
    return KNOWN - applied["migrations"] - applied["additions"]


def apply(connection: Connection, names: Collection[str]) -> None:
    """Apply the migrations `names` in their order, in the caller's transaction."""
    for ledger in _LEDGERS.values():
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {ledger} "
            "(name TEXT PRIMARY KEY, applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)"
        )
    for name, sql, additive in MIGRATIONS:
        if name in names:
            connection.execute_all(sql)
            connection.execute(f"INSERT INTO {_LEDGERS[additive]} (name) VALUES (?)", (name,))


def _applied(connection: Connection) -> dict[str, Set[str]]:
    """Names of the applied migrations by ledger; empty sets for an empty database."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and "migrations" not in tables:
        raise damaged(connection.path, "it is a database without the tables of one-trace")
    return {
        ledger: {str(name) for (name,) in connection.execute(f"SELECT name FROM {ledger}")}
        if ledger in tables
        else set()
        for ledger in _LEDGERS.values()
    }
