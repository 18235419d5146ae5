"""The page of a comparison of two runs."""

from __future__ import annotations

from collections.abc import Sequence

from one_trace.analyse.diff import DiffDocument, RuleResult, Side, StepDiff
from one_trace.analyse.step_runs import StepRun
from one_trace.guard.text import clean
from one_trace.view import words
from one_trace.view.page import Page
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
_WORSE = {"slower", "costlier", "larger"}


def render(document: DiffDocument, page: Page, *, everything: bool) -> str:
    """Both runs, then the steps that changed (or all), then the rules of ``--fail-on``."""
    shown = [step for step in document.steps if everything or step.changes or "duration" in step.noise]
    lines = [*_side("A", document.a, page), *_side("B", document.b, page), *_summary(document, page)]
    if document.a.flow_key != document.b.flow_key:
        lines += page.lines("These are runs of two different flows.", "warn")
    if shown:
        lines += ["", page.table(_COLUMNS, [_row(step, page.style) for step in shown])]
    unchanged = len(document.steps) - len(shown)
    if unchanged:
        lines += ["", page.dim(f"{words.counted(unchanged, 'step')} without a noticeable change")]
    return "\n".join([*lines, *verdicts(document.fail_on, page)])


def verdicts(results: Sequence[RuleResult], page: Page) -> list[str]:
    """A line for each ``--fail-on``."""
    lines: list[str] = []
    for result in results:
        text = f"--fail-on {result.rule}: " + ("; ".join(result.because) if result.met else "passed")
        lines += page.lines(clean(text), "error" if result.met else "success")
    return lines


def _summary(document: DiffDocument, page: Page) -> list[str]:
    known = document.usual_ms
    if document.noise:
        noise = "the change is noise"
    elif known is None:
        noise = f"{words.counted(document.past_runs, 'past run')}: too few to tell noise"
    else:
        noise = ""
    return page.facts(
        _labelled("time", document.duration_change),
        _labelled("cost", document.cost_change),
        f"usual {words.duration(known.low)} to {words.duration(known.high)} ({known.runs} runs)"
        if known
        else "",
        noise,
        styles=("dim",),
    )


def _side(letter: str, side: Side, page: Page) -> list[str]:
    name = side.run_id or f"median of {words.counted(side.runs, 'run')}"
    facts = (
        f"{side.flow_key} {name}",
        side.status,
        words.duration(side.duration_ms),
        "" if side.cost_usd is None else words.money(side.cost_usd),
        "" if side.started_at is None else words.local(side.started_at),
    )
    text = clean(page.style.dot.join(fact for fact in facts if fact))
    first, *rest = page.lines(text, indent="   ")
    return [letter + first[1:], *rest]


def _labelled(label: str, change: float | None) -> str:
    return "" if change is None else f"{label} {signed(change)}"


def _row(step: StepDiff, style: Style) -> list[str | Cell]:
    known = step.usual_ms
    return [
        step.path,
        _duration(step.a),
        _duration(step.b),
        _duration_change(step),
        "" if known is None else f"{words.duration(known.low)}-{words.duration(known.high)}",
        _change(step.output_change, "output" in step.noise),
        _change(step.cost_change, "cost" in step.noise),
        _counts(step, style),
        _changes(step, style),
    ]


def _duration(side: StepRun | None) -> str:
    return "" if side is None else words.duration(side.duration_ms)


def _duration_change(step: StepDiff) -> Cell:
    if step.duration_change is None and not step.delta_ms:
        return Cell("")
    style = "error" if "slower" in step.changes else "success" if "faster" in step.changes else "dim"
    if step.duration_change is None:
        # There is no percentage of zero.
        return Cell(f"+{words.duration(step.delta_ms)}", (style,))
    return Cell(signed(step.duration_change), (style,))


def _change(change: float | None, noise: bool) -> str:
    return "" if change is None or noise or abs(change) < 0.005 else f"{change:+.0%}"


def _counts(step: StepDiff, style: Style) -> str:
    before, after = (side.count if side else 0 for side in (step.a, step.b))
    return "" if before == after == 1 else str(after) if before == after else f"{before}{style.arrow}{after}"


def _changes(step: StepDiff, style: Style) -> Cell:
    names: list[str] = [
        f"{step.a.status} {style.arrow} {step.b.status}"
        if change == "status" and step.a and step.b
        else change
        for change in step.changes
    ]
    if "duration" in step.noise:
        names.append("noise")
    failed = step.b is not None and step.b.status in ("error", "timeout") and "status" in step.changes
    tone = "error" if failed else "warn" if _WORSE & set(step.changes) else "dim" if step.noise else ""
    return Cell(", ".join(names), (tone,) if tone else ())
