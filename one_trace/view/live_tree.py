"""The tree of a run while it runs. Pure: events and times in, lines out.

The events name no parent, so a step's place follows from what is open when it starts. A step that runs many
times, in a loop, is one line with a count, so the tree is no longer than the flow. It is a picture for
people, never the source of a trace: that is assembled from the record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from one_trace.guard.text import clean
from one_trace.view import words
from one_trace.view.cells import clip, pad, text_width
from one_trace.view.style import Style

_CONTAINERS = ("loop", "while", "condition", "parallel", "flow")
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAME_MS = 100
_LABEL = 64
"""Most cells for tree lines and label, so that times stay near names on a wide screen."""
_STATUS = {"failed": "error", "success": "success", "skipped": "skipped", "timeout": "timeout"}


class DrawnStep(NamedTuple):
    """A step as the flow file has it."""

    parent: str | None
    kind: str


Plan = Mapping[str, DrawnStep]
"""The steps of the root flow by id, in the order of the file."""


def plan_of(definition: Mapping[str, object]) -> Plan:
    """The plan of a flow's definition (decoded JSON). What is not a step is skipped."""
    plan: dict[str, DrawnStep] = {}
    todo: list[tuple[object, str | None]] = [(definition.get("steps"), None)]
    while todo:
        steps, parent = todo.pop()
        for step in steps if isinstance(steps, list) else []:
            if not isinstance(step, dict) or not isinstance(step.get("id"), str) or step["id"] in plan:
                continue
            kind = str(step.get("type", ""))
            plan[step["id"]] = DrawnStep(parent, kind)
            inside = step.get(kind)
            if kind in _CONTAINERS and isinstance(inside, dict):
                todo += [(inside.get(part), step["id"]) for part in ("steps", "then", "else")]
    return plan


class Retry(NamedTuple):
    """The attempt that a step is waiting for or making."""

    attempt: int
    attempts: int
    at_ms: float


class LiveStep:
    """A step of the flow: its running executions, and how many have ended with which status."""

    def __init__(self, step_id: str, kind: str) -> None:
        self.step_id = step_id
        self.kind = kind
        self.inner: dict[str, LiveStep] = {}
        self.running: list[float] = []
        """When each running execution started."""
        self.ended: Counter[str] = Counter()
        self.last: tuple[str, float | None] = ("success", None)
        """The status and duration (ms) of the last one that ended."""
        self.retry: Retry | None = None

    @property
    def executions(self) -> int:
        """How many executions have started."""
        return len(self.running) + self.ended.total()

    @property
    def iterations(self) -> int:
        """Of a loop: how many iterations have started, judged by its busiest step."""
        return max((step.executions for step in self.inner.values()), default=0)

    @property
    def failures(self) -> int:
        return self.ended["error"] + self.ended["timeout"]


class LiveTree:
    """A run so far. `began_ms`: when it started, in ms on the clock of all later times.

    With the flow's `plan` each step is in its right place, and the direct children of a parallel step, which
    have no events, are shown while it runs.
    """

    def __init__(self, flow_key: str, began_ms: float, plan: Plan | None = None) -> None:
        self.flow_key = flow_key
        self.began_ms = began_ms
        self._plan = plan or {}
        self._branches: dict[str, list[str]] = {}
        """The direct children of each parallel step."""
        for step_id, place in self._plan.items():
            if place.parent is not None and self._plan[place.parent].kind == "parallel":
                self._branches.setdefault(place.parent, []).append(step_id)
        self.top: dict[str, LiveStep] = {}
        self._open: list[LiveStep] = []
        """Running containers, the last started last."""
        self._running: dict[str, list[LiveStep]] = {}

    def feed(self, event: Mapping[str, object], now_ms: float) -> None:
        """Process an event or a log line. Only events of steps change anything."""
        step_id = event.get("stepId")
        if not isinstance(step_id, str):
            return
        kind = event.get("event")
        if kind == "step:start":
            self._start(step_id, str(event.get("type", "")), self._parent(step_id), now_ms)
        elif kind == "step:complete":
            status = _STATUS.get(str(event.get("status")), "success")
            self._end(step_id, status, event.get("durationMs"), now_ms)
        elif kind == "step:error":
            self._end(step_id, "error", None, now_ms)
        elif kind == "step:retry":
            self._retry(step_id, event, now_ms)

    def _start(self, step_id: str, kind: str, parent: LiveStep | None, now_ms: float) -> None:
        todo = [(step_id, kind, parent)]
        while todo:
            step_id, kind, parent = todo.pop()
            siblings = parent.inner if parent else self.top
            step = siblings.setdefault(step_id, LiveStep(step_id, kind))
            step.running.append(now_ms)
            self._running.setdefault(step_id, []).append(step)
            if kind in _CONTAINERS:
                self._open.append(step)
            if kind == "parallel":
                branches = reversed(self._branches.get(step_id, ()))
                todo += [(branch, self._plan[branch].kind, step) for branch in branches]

    def _parent(self, step_id: str) -> LiveStep | None:
        """Its parent in the plan, if that is open; else where it ran before; else the last open container."""
        place = self._plan.get(step_id)
        if place is not None:
            if place.parent is None and not any(container.kind == "flow" for container in self._open):
                return None
            for container in reversed(self._open):
                if container.step_id == place.parent:
                    return container
        for container in reversed(self._open):
            if step_id in container.inner:
                return container
        return self._open[-1] if self._open else None

    def _end(self, step_id: str, status: str, took: object, now_ms: float) -> None:
        started = self._running.get(step_id)
        if not started:
            return
        step = started.pop()
        began = step.running.pop(0)
        # It is negative if the clock was set back meanwhile.
        duration = float(took) if isinstance(took, int | float) and took >= 0 else max(0.0, now_ms - began)
        step.ended[status] += 1
        step.last = (status, None if status == "skipped" else duration)
        step.retry = None
        if step in self._open:
            self._open.remove(step)
        for branch in self._branches.get(step_id, ()) if step.kind == "parallel" else ():
            self._end(branch, "success" if status == "success" else "incomplete", None, now_ms)

    def _retry(self, step_id: str, event: Mapping[str, object], now_ms: float) -> None:
        started = self._running.get(step_id)
        attempt, retries, delay = event.get("attempt"), event.get("maxRetries"), event.get("delayMs")
        if started and isinstance(attempt, int) and isinstance(retries, int):
            wait = float(delay) if isinstance(delay, int | float) else 0.0
            started[-1].retry = Retry(attempt, retries + 1, now_ms + wait)

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
        steps = [step for _, step in self._placed(style)]
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
        todo = [(step, "", "") for step in reversed(self.top.values())]
        while todo:
            step, lead, under = todo.pop()
            yield lead, step
            for at, inner in enumerate(reversed(step.inner.values())):
                todo.append((inner, under + (child if at else last), under + (pipe if at else blank)))

    def _row(self, lead: str, step: LiveStep, now_ms: float, columns: int, style: Style) -> str:
        status, took = step.last
        if step.running:
            glyph, time = self._spin(now_ms, style), words.duration(now_ms - step.running[0])
        else:
            glyph = style.paint(style.glyph(status), status)
            time = "skipped" if status == "skipped" else words.duration(took)
        note = _note(step, now_ms)
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


def _note(step: LiveStep, now_ms: float) -> str:
    """What stands beside the id: iterations, executions, failures, the next attempt."""
    parts = []
    if step.kind in ("loop", "while") and step.iterations:
        parts.append(f"round {step.iterations:,}" if step.running else f"{step.iterations:,} rounds")
    elif step.executions > 1:
        parts.append(f"{step.executions:,} times")
    if len(step.running) > 1:
        parts.append(f"{len(step.running)} at once")
    if step.failures and (step.executions > 1 or step.running):
        parts.append(f"{step.failures:,} failed")
    elif not step.running and step.last[0] == "timeout":
        parts.append("timeout")
    if step.retry and step.running:
        wait = step.retry.at_ms - now_ms
        when = f" in {words.duration(wait)}" if wait > 0 else ""
        parts.append(f"try {step.retry.attempt} of {step.retry.attempts}{when}")
    return ", ".join(parts)


def _kept(steps: list[LiveStep], most: int) -> list[bool]:
    """Which steps to show: `most` of them, running ones first, then failed ones, then the newest."""
    order = sorted(range(len(steps)), key=lambda at: (not steps[at].running, not steps[at].failures, -at))
    kept = set(order[:most])
    return [at in kept for at in range(len(steps))]
