"""The tree of a run while it runs. Pure: events and times in, lines out.

A step that runs many times, in a loop, is one line with a count, so the tree is no longer than the flow. It
is a picture for people, never the source of a trace: that is assembled from the record. It claims nothing
that the finished tree may contradict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from one_trace.guard.text import clean
from one_trace.view import words
from one_trace.view.cells import clip, pad, text_width
from one_trace.view.live_plan import Called, Plan, no_flow
from one_trace.view.live_steps import UNKNOWN, LiveStep, LiveSteps
from one_trace.view.style import Style

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAME_MS = 100
_LABEL = 64
"""Most cells for tree lines and label, so that times stay near names on a wide screen."""


class LiveTree:
    """A run so far. `began_ms`: when it started, in ms on the clock of all later times.

    With the flow's `plan` and those of the flows that it calls each step is in its right place, and the
    direct children of a parallel step, which have no events, are shown.
    """

    def __init__(
        self, flow_key: str, began_ms: float, plan: Plan | None = None, called: Called = no_flow
    ) -> None:
        self.flow_key = flow_key
        self.began_ms = began_ms
        self._steps = LiveSteps(began_ms, plan, called)

    def feed(self, event: Mapping[str, object], now_ms: float) -> None:
        """Process an event or a log line. Only events of steps change anything."""
        self._steps.feed(event, now_ms)

    # -- drawing

    def lines(self, now_ms: float, *, columns: int, rows: int, style: Style) -> list[str]:
        """At most `rows` lines of `columns` cells; running and failed steps are kept."""
        placed = list(self._placed(style))
        kept = _kept([step for _, step in placed], max(rows - 2, 1))
        body = [
            self._row(lead, step, now_ms, columns, style)
            for (lead, step), keep in zip(placed, kept, strict=True)
            if keep
        ]
        page = [self._head(now_ms, columns, style), *body]
        hidden = len(placed) - len(body)
        if hidden:
            page.append(style.paint(f"  and {words.counted(hidden, 'step')} more", "dim"))
        return page

    def _head(self, now_ms: float, columns: int, style: Style) -> str:
        steps = [step for _, step in self._placed(style) if not step.silent]
        done = sum(step.ended.total() for step in steps)
        failed = sum(step.failures for step in steps)
        running = sum(len(step.running) for step in steps)
        facts = [words.duration(now_ms - self.began_ms), f"{done:,} done"]
        facts += [f"{failed:,} failed"] if failed else []
        facts += [f"{running:,} running"] if running else []
        text = style.dot.join(facts)
        key = clip(clean(self.flow_key, 200), max(columns - text_width(text) - 5, 8), style.more)
        return f"{self._spin(now_ms, style)} {style.paint(key, 'bold')}  {style.paint(text, 'dim')}"

    def _placed(self, style: Style) -> Iterator[tuple[str, LiveStep]]:
        """Every step with its tree lines, depth first."""
        child, last, pipe, blank = style.branch
        todo = [(step, "", "") for step in reversed(self._steps.run.inner.values())]
        while todo:
            step, lead, under = todo.pop()
            yield lead, step
            for at, inner in enumerate(reversed(step.inner.values())):
                todo.append((inner, under + (child if at else last), under + (pipe if at else blank)))

    def _row(self, lead: str, step: LiveStep, now_ms: float, columns: int, style: Style) -> str:
        status = UNKNOWN if step.ended[UNKNOWN] or self._steps.is_unsure(step) else step.last
        glyph = self._spin(now_ms, style) if step.running else style.paint(style.glyph(status), status)
        time = _time(step, status, now_ms)
        note = _note(step, status, now_ms)
        lead = clip(lead, columns // 3, "")
        head = text_width(lead) + (1 if style.unicode else 4) + 1
        cells = min(max(columns - head - 10 - 11, 8), _LABEL - head)
        note = clip(note, cells // 2, style.more)
        label = clip(clean(step.step_id, 200), cells - (text_width(note) + 2 if note else 0), style.more)
        gap = " " * (cells - text_width(label) - (text_width(note) + 2 if note else 0))
        tone = "error" if step.retry else "warn" if step.failures else "dim"
        return (
            f"{style.paint(lead, 'dim')}{glyph} {label}{'  ' + style.paint(note, tone) if note else ''}{gap}"
            f" {style.paint(pad(clip(clean(step.kind, 30), 10, style.more), 10), 'dim')}{time:>9}"
        )

    def _spin(self, now_ms: float, style: Style) -> str:
        if not style.unicode:
            return "run "
        return style.paint(_SPINNER[int(now_ms / _FRAME_MS) % len(_SPINNER)], "link")


def _time(step: LiveStep, status: str, now_ms: float) -> str:
    """How long the longest execution lasts or lasted; empty where that is not known."""
    if step.silent or (status == UNKNOWN and not step.running):
        return "" if step.running or status == "success" else status
    took = step.took
    if step.running:
        longest = max(took.ms if took is not None else 0.0, now_ms - min(step.running))
        return words.duration(longest)
    if took is None:
        return status
    if step.doubtful:
        return ""
    return ("~" if took.estimated else "") + words.duration(took.ms)


def _note(step: LiveStep, status: str, now_ms: float) -> str:
    """What stands beside the id: iterations, executions, failures, attempts."""
    parts = [*_counts(step)]
    if status == UNKNOWN and not step.silent:
        pass  # which of them has failed is not known
    elif step.failures and (step.executions > 1 or step.running):
        parts.append(f"{step.failures:,} failed")
    elif not step.running and status == "timeout":
        parts.append("timeout")
    if step.retry and step.running:
        wait = step.retry.at_ms - now_ms
        when = f" in {words.duration(wait)}" if wait > 0 else ""
        parts.append(f"try {step.retry.attempt} of {step.retry.attempts}{when}")
    elif step.retries:
        parts.append(f"retried {step.retries:,}x")
    if step.late and not step.doubtful:
        parts.append("late")
    return ", ".join(parts)


def _counts(step: LiveStep) -> Iterator[str]:
    if step.kind in ("loop", "while") and step.iterations and step.executions == 1 and not step.retries:
        yield f"round {step.iterations:,}" if step.running else words.counted(step.iterations, "round")
    elif step.executions > 1 and (not step.silent or step.ended["success"] == step.executions):
        yield f"{step.executions:,} times"
    if len(step.running) > 1 and not step.silent:
        yield f"{len(step.running)} at once"


def _kept(steps: list[LiveStep], most: int) -> list[bool]:
    """Which steps to show: `most` of them, running ones first, then failed ones, then the newest. Each with
    the blocks that it is in, so that it does not stand below another one."""
    order = sorted(range(len(steps)), key=lambda at: (not steps[at].running, not steps[at].failures, -at))
    kept: set[LiveStep] = set()
    for at in order:
        needed = set(list(steps[at].outwards())[:-1]) - kept
        if len(kept) + len(needed) <= most:
            kept |= needed
    return [step in kept for step in steps]
