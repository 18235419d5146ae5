"""What takes time to collect, or to give back, and need not be."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec


@contextmanager
def held_back() -> Iterator[None]:
    """While something large is built there is no garbage, and each collection would take longer the more
    objects there are."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class _Kept(msgspec.Struct, gc=False):
    what: object
    itself: object = None


def keep_for_good(what: object) -> None:
    """A process that ends soon gives no memory back: what refers to itself, and is not looked at by the
    collector, stays."""
    kept = _Kept(what)
    kept.itself = kept
