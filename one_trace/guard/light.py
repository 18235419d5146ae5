"""Imports of other modules without what these would import needlessly. No other thread may be importing."""

from __future__ import annotations

import sys
from typing import Any


class _Platform:
    """What `uuid` asks of `platform`, which takes longer to import than `uuid` does."""

    @staticmethod
    def system() -> str:
        return "Linux"


class _UrlParse:
    """What `pathlib` takes from `urllib.parse`, for URLs of files; Python 3.13 imports it only then."""

    @staticmethod
    def quote_from_bytes(data: bytes) -> str:
        from urllib.parse import quote_from_bytes

        return quote_from_bytes(data)


def import_msgspec() -> None:
    """Import msgspec without `typing_extensions`, a fifth of its time: it takes two names from there, if it
    is installed, that Python has had itself since 3.11. And without `platform`, of which `uuid` takes one."""
    missing = {"typing_extensions": None}  # to be found missing
    _import("msgspec", {**missing, "platform": _Platform} if sys.platform == "linux" else missing)


def import_click() -> None:
    """Import click without translations: it has none, and looks for them with every message."""
    if "click" in sys.modules:
        return
    import gettext

    translate = gettext.gettext
    gettext.gettext = _as_it_is
    try:
        _import("click", {})
    finally:
        gettext.gettext = translate


def import_pathlib() -> None:
    """Import pathlib without what only URLs need, two thirds of its time."""
    _import("pathlib", {"urllib.parse": _UrlParse} if sys.version_info < (3, 13) else {})


def _import(name: str, stand_ins: dict[str, Any]) -> None:
    """Import a module; the stand-ins are modules that it does not have to import itself."""
    if name in sys.modules:
        return
    lent = {other: stand_in for other, stand_in in stand_ins.items() if other not in sys.modules}
    sys.modules.update(lent)
    try:
        __import__(name)
    except (Exception, SystemExit):  # noqa: BLE001  broken: met again, and reported, by whoever needs it
        return
    finally:
        for other in lent:
            del sys.modules[other]


def _as_it_is(message: str) -> str:
    return message
