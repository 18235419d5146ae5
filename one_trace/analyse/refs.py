"""Which run is meant: a run id, the beginning of one, ``last``, or ``FLOW@last``, ``@prev``, ``@best``,
``@worst``.
"""

from __future__ import annotations

from one_trace.errors import NoSuchRun
from one_trace.guard.text import shell_word
from one_trace.store import Store

WORDS = {
    "last": "ORDER BY started_ms DESC, id DESC LIMIT 1",
    "prev": "ORDER BY started_ms DESC, id DESC LIMIT 1 OFFSET 1",
    "best": "AND status = 'success' AND duration_ms >= 0 ORDER BY duration_ms, started_ms DESC LIMIT 1",
    "worst": "AND duration_ms >= 0 ORDER BY duration_ms DESC, started_ms DESC LIMIT 1",
}
"""`best` is the quickest that succeeded, `worst` the slowest of all."""


def resolve(store: Store, ref: str) -> str:
    """The run id that `ref` means. Raises NoSuchRun."""
    flow, at, word = ref.rpartition("@")
    if not at or not flow:
        return store.find(ref)
    if word not in WORDS:
        known = ", ".join(f"{flow}@{name}" for name in WORDS)
        raise NoSuchRun(f"'{ref}' names no run", hint=f"Known are {known}.")
    sql = f"SELECT run_id FROM runs WHERE flow_key = ? {WORDS[word]}"
    row = store.connection.execute(sql, (flow,)).fetchone()
    if row is None:
        hint = f"one trace list --flow {shell_word(flow)}"
        raise NoSuchRun(f"no run of flow '{flow}' is its {word}", hint=hint)
    return str(row[0])
