"""The LLM calls of all runs, from sums of whole days that are made once and kept in the store.

A day is one of this reader's time zone, and known by its bounds: another reader may have others. What was
kept is deleted with the next change of a run in it (see `store.migrations`), and kept again by who asks next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

import msgspec

from one_trace import __version__
from one_trace.analyse import prices
from one_trace.analyse.calls import merged
from one_trace.analyse.cost import CallUsage
from one_trace.errors import StoreError
from one_trace.store.connection import Connection

_AT_ONCE = 30
"""Days that are read together: each reading looks for retried containers in all runs."""
_calls = msgspec.json.Decoder(list[CallUsage])
Read = Callable[[int, int], list[CallUsage]]
"""The calls of the runs that started from the one moment until the other (ms since 1970)."""


class _Day(NamedTuple):
    begin: int
    end: int
    name: str
    """As `CallUsage.day`."""
    whole: bool
    """Not cut at its beginning, and of a calendar."""


def usages(db: Connection, since: int | None, paths: Mapping[object, str], read: Read) -> list[CallUsage]:
    """What the calls of all runs used that started at `since` or later. `paths`: of the steps by number."""
    form = f"1 {__version__} {prices.release()}"
    kept = {
        (begin, end): calls
        for begin, end, of_form, calls in db.execute("SELECT begin_ms, end_ms, form, calls FROM call_days")
        if of_form == form
    }
    found: list[CallUsage] = []
    for known, days in groupby(_days(db, since), lambda day: day.whole and (day.begin, day.end) in kept):
        if known:
            for day in days:
                found += _named(_calls.decode(kept[day.begin, day.end]), day.name, paths)
        else:
            found += _read(db, list(days), form, read)
    return found


def _named(calls: list[CallUsage], day: str, paths: Mapping[object, str]) -> list[CallUsage]:
    for each in calls:
        each.day, each.path = day, paths.get(each.step, "")
    return calls


def _read(db: Connection, days: Sequence[_Day], form: str, read: Read) -> Iterator[CallUsage]:
    for at in range(0, len(days), _AT_ONCE):
        some = days[at : at + _AT_ONCE]
        seen = _changes(db)
        calls = merged(read(some[0].begin, some[-1].end))
        with suppress(StoreError):  # of a store that may not be written; it is only slower
            _keep(db, some, calls, form, seen)
        yield from calls


def _keep(db: Connection, days: Sequence[_Day], calls: Sequence[CallUsage], form: str, seen: int) -> None:
    """Unless another process has changed the store since the calls were read, or a run has odd times."""
    by_day: dict[str, list[CallUsage]] = {day.name: [] for day in days}
    for each in calls:
        if each.day not in by_day:
            return
        by_day[each.day].append(each)
    rows = [(day.begin, day.end, form, _encoded(by_day[day.name])) for day in days if day.whole]
    with db.writing():
        if _changes(db) == seen:
            db.executemany("INSERT OR REPLACE INTO call_days VALUES (?, ?, ?, ?)", rows)


def _encoded(calls: Sequence[CallUsage]) -> bytes:
    return msgspec.json.encode([msgspec.structs.replace(each, day="", path="") for each in calls])


def _changes(db: Connection) -> int:
    return int(db.execute("PRAGMA data_version").fetchone()[0])


def _days(db: Connection, since: int | None) -> Iterator[_Day]:
    """The days in which runs started."""
    at = -(2**63) if since is None else since
    first = "SELECT min(started_ms) FROM runs WHERE started_ms >= ?"
    while (start := db.execute(first, (at,)).fetchone()[0]) is not None:
        day = _day_of(start)
        yield day if since is None or since <= day.begin else day._replace(begin=since, whole=False)
        at = day.end


def _day_of(ms: int) -> _Day:
    try:
        noon = datetime.fromtimestamp(ms / 1000).replace(hour=12, minute=0, second=0, microsecond=0)
        begin, end = (day.replace(hour=0).timestamp() for day in (noon, noon + timedelta(days=1)))
        day = _Day(round(begin * 1000), round(end * 1000), f"{noon:%Y-%m-%d}", True)
    except (ValueError, OverflowError, OSError):
        return _Day(ms, ms + 1, "", False)
    return day if day.begin <= ms < day.end else _Day(ms, ms + 1, "", False)
