"""The store: runs, their spans, what many runs have in common, and the outbox."""

from one_trace.store.rows import Saved
from one_trace.store.store import Store

__all__ = ["Saved", "Store"]
