"""An error that no code has foreseen: a damaged store, where that explains it, else a fault of ours."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

from one_trace.errors import CliError, StoreError
from one_trace.guard.text import clean
from one_trace.settings import sources

_DEBUG = "ONE_TRACE_DEBUG"


def unforeseen(error: Exception) -> CliError:
    """What to say of `error`. A value in the store that was changed can lead anywhere: so the store is looked
    at whole.
    """
    if os.environ.get(_DEBUG):
        traceback.print_exception(error)
    try:
        found = _damage(sources.load().store_path)
    except StoreError as problem:
        found = problem
    except Exception:  # noqa: BLE001  what is broken may be what this look needs: the first error is told
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
