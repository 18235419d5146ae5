"""Imports of other packages without what they would import needlessly."""

from __future__ import annotations

import sys

_OPTIONAL = "typing_extensions"


def import_msgspec() -> None:
    """Import msgspec without `typing_extensions`, a fifth of its time: it takes two names from there, if it
    is installed, that Python has had itself since 3.11. No other thread may be importing."""
    if "msgspec" in sys.modules or _OPTIONAL in sys.modules:
        return
    sys.modules[_OPTIONAL] = None  # type: ignore[assignment]  # to be found missing
    try:
        import msgspec  # noqa: F401
    except (Exception, SystemExit):  # noqa: BLE001  broken: met again, and reported, by whoever needs it
        return
    finally:
        del sys.modules[_OPTIONAL]
