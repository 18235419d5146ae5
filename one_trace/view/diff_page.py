"""A comparison of two runs as a page of text: pure functions of the document, width and style."""

from __future__ import annotations

from one_trace.analyse.diff import DiffDocument, Side, StepDiff
from one_trace.analyse.groups import Group
from one_trace.guard.text import clean
from one_trace.view import table, words
from one_trace.view.cells import wrap
from one_trace.view.stats_page import signed
from one_trace.view.style import Style
from one_trace.view.table import Cell, Column

_COLUMNS = (
    Column("STEP", right=False, flexible=True),
    Column("A"),
    Column("B"),
    Column("CHANGE"),
    Column("USUAL", drop=1),
    Column("OUT", drop=4),
    Column("COST", drop=3),
    Column("COUNT", drop=5),
    Column("WHAT", right=False),
)
_BAD = {"slower", "costlier", "larger"}


def page(document: DiffDocument, *, room: int, style: Style, everything: bool) -> str:
    """Both runs, then the steps that changed (or all), then what was to fail."""
    shown = [step for step in document.steps if everything or step.changes or "duration" in step.noise]
    lines = [*_head(document, room, style)]
    if shown:
        lines += ["", table.render(_COLUMNS, [_row(step, style) for step in shown], room=room, style=style)]
    alike = len(document.steps) - len(shown)
    if alike:
        lines += ["", style.paint(f"{words.counted(alike, 'step')} without a change worth telling", "dim")]
    for verdict in document.fail_on:
        told = f"{verdict.rule}: " + ("; ".join(verdict.because) if verdict.met else "not met")
        tone = "error" if verdict.met else "success"
        lines += [style.paint(line, tone) for line in wrap(clean(told), room)]
    return "\n".join(lines)


def _head(document: DiffDocument, room: int, style: Style) -> list[str]:
    lines = [*_named("A", document.a, room, style), *_named("B", document.b, room, style)]
    facts = [_percent(document.duration_change, "time"), _percent(document.cost_change, "cost")]
    known = document.usual_ms
    if known is not None:
        facts.append(f"usual {words.duration(known.low)} to {words.duration(known.high)} ({known.runs} runs)")
    if document.noise:
        facts.append("the change is noise")
    elif known is None:
        facts.append(f"{words.counted(document.past_runs, 'past run')}: too few to tell noise")
    told = style.dot.join(fact for fact in facts if fact)
    return [*lines, *(style.paint(line, "dim") for line in wrap(told, room))]


def _named(letter: str, side: Side, room: int, style: Style) -> list[str]:
    first, *rest = wrap(clean(_side(side, style)), room - 3)
    return [f"{letter}  {first}", *(f"   {line}" for line in rest)]


def _side(side: Side, style: Style) -> str:
    name = side.run_id or f"median of {words.counted(side.runs, 'run')}"
    facts = [
        f"{side.flow_key} {name}",
        side.status,
        words.duration(side.duration_ms),
        "" if side.cost_usd is None else words.money(side.cost_usd),
        "" if side.started_at is None else words.local(side.started_at),
    ]
    return style.dot.join(fact for fact in facts if fact)


def _percent(part: float | None, what: str) -> str:
    return "" if part is None else f"{what} {signed(part)}"


def _row(step: StepDiff, style: Style) -> list[str | Cell]:
    known = step.usual_ms
    return [
        step.path,
        _time(step.a),
        _time(step.b),
        _change(step),
        "" if known is None else f"{words.duration(known.low)}-{words.duration(known.high)}",
        _small(step.output_change, "output" in step.noise),
        _small(step.cost_change, "cost" in step.noise),
        _count(step, style),
        _what(step, style),
    ]


def _time(side: Group | None) -> str:
    return "" if side is None else words.duration(side.duration_ms)


def _change(step: StepDiff) -> Cell:
    if step.duration_change is None and not step.delta_ms:
        return Cell("")
    style = "error" if "slower" in step.changes else "success" if "faster" in step.changes else "dim"
    if step.duration_change is None:
        # From nothing: no part of it says how much.
        return Cell(f"+{words.duration(step.delta_ms)}", (style,))
    return Cell(signed(step.duration_change), (style,))


def _small(part: float | None, noise: bool) -> str:
    return "" if part is None or noise or abs(part) < 0.005 else f"{part:+.0%}"


def _count(step: StepDiff, style: Style) -> str:
    before, after = (side.count if side else 0 for side in (step.a, step.b))
    return "" if before == after == 1 else str(after) if before == after else f"{before}{style.arrow}{after}"


def _what(step: StepDiff, style: Style) -> Cell:
    said: list[str] = []
    for change in step.changes:
        if change == "status" and step.a and step.b:
            said.append(f"{step.a.status} {style.arrow} {step.b.status}")
        else:
            said.append(change)
    if "duration" in step.noise:
        said.append("noise")
    failed = step.b is not None and step.b.status in ("error", "timeout") and "status" in step.changes
    tone = "error" if failed else "warn" if _BAD & set(step.changes) else "dim" if step.noise else ""
    return Cell(", ".join(said), (tone,) if tone else ())
