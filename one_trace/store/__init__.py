"""The store: runs, their spans, what many runs have in common, and the outbox."""

from one_trace.store.store import Saved, Store

__all__ = ["Saved", "Store"]
