"""What the lines of a live tree claim, and where the run's true spans contradict it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from one_trace.guard.text import clean
from one_trace.view import words

_ROW = re.compile(
    r"(?P<lead>(?:[│ ] {2})*(?:[├└]─ )?)(?P<glyph>\S) (?P<id>.+?)(?:  (?P<note>[^ ].*?))?"
    r" +(?P<kind>\S+) +(?P<time>~?<?\d[\dmhds.]*|skipped|unknown|)$"
)
_GLYPHS = {"✓": "success", "✗": "error", "◷": "timeout", "○": "skipped", "?": "unknown"}


class Row(NamedTuple):
    """A line of the tree. `status`: of a step that is over and known, else None."""

    path: tuple[str, ...]
    status: str | None
    note: str
    time: str

    def count(self, pattern: str) -> int | None:
        """The number that the note gives there."""
        found = re.search(pattern, self.note)
        return int(found[1].replace(",", "")) if found else None


def rows(page: list[str]) -> list[Row]:
    """The lines of steps, without head and tail, whose ids have no two spaces in a row."""
    above: list[str] = []
    found = []
    for line in page[1:]:
        if line.startswith("  and "):
            continue
        row = _ROW.match(line)
        assert row, line
        depth = len(row["lead"]) // 3
        above[depth:] = [row["id"]]
        status = _GLYPHS.get(row["glyph"])
        found.append(
            Row(tuple(above), None if status == "unknown" else status, row["note"] or "", row["time"])
        )
    return found


def contradictions(found: list[Row], spans: list[Mapping[str, Any]], *, over: bool) -> list[str]:
    """What `found` says of steps that are over and `spans` (true ones) do not. `over`: the run is, so that
    counts must agree too."""
    ways = _ways(spans)
    wrong = []
    unplaced = {row.path[-1] for row in found if row.path not in ways.values()}
    lengths = {row.path: words_ms(row.time) for row in found}
    for row in found:
        mine = [span for span in spans if _is_at(ways[span["span"]], row.path)]
        if row.status is not None and row.status not in {span["status"] for span in mine}:
            wrong.append(f"{row}: {[span['status'] for span in mine]}")
        length, block = lengths[row.path], lengths.get(row.path[:-1])
        if row.status is not None and "late" not in row.note and length and block and length > block:
            wrong.append(f"{row}: its block lasted {block}")
        if over and row.status is not None and row.path[-1] not in unplaced:
            wrong += _differences(row, [span for span in mine if ways[span["span"]] == row.path])
    return wrong


def _differences(row: Row, spans: list[Mapping[str, Any]]) -> list[str]:
    wrong = []
    times = row.count(r"([\d,]+) times") or (None if "round" in row.note else 1)
    if times is not None and times != len(spans):
        wrong.append(f"{row}: {len(spans)} executions")
    if len(spans) == 1:
        (span,) = spans
        if (row.count(r"retried ([\d,]+)x") or 0) != span["retries"]:
            wrong.append(f"{row}: {span['retries']} retries")
        shown = row.time
        exact = shown and not shown.startswith("~") and span["status"] != "skipped"
        if exact and span["durationMs"] is not None and shown != words.duration(span["durationMs"]):
            wrong.append(f"{row}: it lasted {span['durationMs']}")
    failed = sum(span["status"] in ("error", "timeout") for span in spans)
    if len(spans) > 1 and (row.count(r"([\d,]+) failed") or 0) != failed:
        wrong.append(f"{row}: {failed} failed")
    return wrong


def _ways(spans: list[Mapping[str, Any]]) -> dict[int, tuple[str, ...]]:
    """The ids of the steps from the run down to each span."""
    ways: dict[int, tuple[str, ...]] = {}
    for span in sorted(spans, key=lambda span: span["span"]):
        ways[span["span"]] = (*ways.get(span["parent"], ()), clean(span["stepId"]))
    return ways


def _is_at(way: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """The step is at this place. Where it was not clear which of several blocks a step is in, the row stands
    in the block around them, so blocks may be missing from `path`."""
    steps = iter(way)
    return way[-1] == path[-1] and all(step in steps for step in path)


def words_ms(text: str) -> float | None:
    """A duration as it is shown, in ms, as far as it is shown exactly."""
    found = re.fullmatch(r"~?(\d[\d.]*)(ms|s)", text)
    return float(found[1]) * (1 if found[2] == "ms" else 1000) if found else None
