"""The store of traced runs: one SQLite file with runs, spans, a summary for statistics, and the outbox.

Ask `Store` for runs and to save one, `outbox.Outbox` what is still to be sent, `prune` to delete, `check`
whether the file is sound. Statistics read the tables that `migrations` describes through `Store.connection`.
What is saved is at once in the log (WAL) beside the file, and no kill loses it; a power cut may take what was
saved in the last half minute, which an import brings back from the records. A copy needs both files.
It must never know how a run is executed, recorded or displayed, nor what a sink is.
"""

from one_trace.store.rows import Saved, Source
from one_trace.store.store import Store

__all__ = ["Saved", "Source", "Store"]
