"""Unexpected errors: explained by a damaged store if there is one, otherwise a fault in one-trace."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

from one_trace.errors import CliError, StoreError
from one_trace.guard.text import clean
from one_trace.settings import sources

_DEBUG = "ONE_TRACE_DEBUG"


def unforeseen(error: Exception) -> CliError:
    """The error to report. A value in the store that was changed can cause any error, so the store is
    verified."""
    if os.environ.get(_DEBUG):
        traceback.print_exception(error)
    try:
        found = _damage(sources.load().store_path)
    except StoreError as problem:
        found = problem
    except Exception:  # noqa: BLE001  what is broken may be needed for this: the first error is reported
        found = None
    if found is not None:
        return found
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}:{frame.lineno}"
    return CliError(
        f"one-trace failed: {type(error).__name__}: {clean(str(error), 200)} (at {where})",
        hint=f"This is a fault in one-trace: please report it. {_DEBUG}=1 shows more.",
        code="internal",
    )


def _damage(path: Path) -> StoreError | None:
    from one_trace.store import Store
    from one_trace.store.check import damage
    from one_trace.store.store_errors import damaged

    with Store(path, readonly=True) as store:
        wrong = damage(store.connection)
        return None if wrong is None else damaged(store.path, wrong)
