"""A trace held against what really happened, but for what it says itself that the record leaves open."""

from __future__ import annotations

import re
from collections import Counter

from one_trace.model.trace import Span, Trace
from tests.truth import LEAVES, TrueSpan, Truth

_INSTANCE = re.compile(r"\[\d+\]|#\d+")


def differences(truth: Truth, trace: Trace) -> list[str]:
    """Where the trace is not what happened. `derived` may leave open which of several alike a span is
    (``iteration``), and the status of a silent child (``status``); one that has left no sign at all, in a
    block that did not succeed, need not be there."""
    wrong = [] if trace.run.status == truth["status"] else [f"run {trace.run.status} for {truth['status']}"]
    shown: dict[str, list[Span]] = {}
    for span in trace.spans:
        shown.setdefault(span.path, []).append(span)
    happened: dict[str, list[TrueSpan]] = {}
    for true in truth["spans"]:
        happened.setdefault(true["path"], []).append(true)
    unseen = _unseen(truth, trace)
    steps = _Steps(trace)
    swapped = _swapped(truth, trace, unseen, steps)
    pairs: list[tuple[TrueSpan, Span]] = []
    for path in sorted(happened.keys() | shown.keys()):
        left, right = happened.get(path, []), shown.get(path, [])
        if len(left) == len(right):
            pairs += zip(left, right, strict=True)
        elif path not in swapped and path not in unseen:
            wrong.append(f"{path}: {len(right)} spans for {len(left)}")
    if wrong:
        return wrong
    start = truth["spans"][0]["startMs"] - trace.spans[0].start_ms if truth["spans"] else 0
    ids = {span.span_id: span for span in trace.spans}
    for true, span in pairs:
        wrong += [f"{span.path}: {what}" for what in _span_differences(true, span, start, truth, ids)]
    return wrong + _conserved(truth, trace, start, steps)


def static(path: str) -> str:
    """Without iterations and attempts."""
    return _INSTANCE.sub("", path)


Step = tuple[str, str]


class _Steps:
    """Which spans are of one step: where the trace says that place and iteration may be another's, all with
    one id are."""

    def __init__(self, trace: Trace) -> None:
        self._loose = {span.step_id for span in trace.spans if {"iteration", "path"} <= set(span.derived)}

    def shown(self, span: Span) -> Step:
        return "" if span.step_id in self._loose else span.flow_key, span.step_id

    def true(self, span: TrueSpan) -> Step:
        return "" if span["stepId"] in self._loose else span["flowKey"], span["stepId"]


def _swapped(truth: Truth, trace: Trace, unseen: set[str], by: _Steps) -> set[str]:
    """Paths under which the trace says itself that another of its kind may stand, where the kinds are as many
    as they were, but for those of which there is no word."""
    doubtful = {by.shown(span) for span in trace.spans if {"iteration", "path"} & set(span.derived)}
    shown = Counter(by.shown(span) for span in trace.spans)
    happened = Counter(by.true(span) for span in truth["spans"])
    steps = {span.path: by.shown(span) for span in trace.spans}
    steps |= {span["path"]: by.true(span) for span in truth["spans"]}
    silent = Counter(by.true(span) for span in truth["spans"] if span["path"] in unseen)
    supposed = Counter(by.shown(span) for span in trace.spans if span.path in unseen)
    missing = {step: happened[step] - shown[step] for step in set(steps.values())}
    swapped = {
        path
        for path, step in steps.items()
        if step in doubtful and -supposed[step] <= missing[step] <= silent[step]
    }
    return swapped | _silent_above(truth, trace, doubtful, by)


def _silent_above(truth: Truth, trace: Trace, doubtful: set[Step], by: _Steps) -> set[str]:
    """Paths of silent steps that are there only because of what may as well have run in another: in truth,
    with those beside it that left no sign, or in a trace that leaves their status open."""
    found: set[str] = set()
    above = {span["parent"] for span in truth["spans"] if by.true(span) in doubtful}
    spoke = _spoke(truth)
    for span in reversed(truth["spans"]):
        if span["span"] in above and not span["events"]:
            found.add(span["path"])
            above.add(span["parent"])
    for span in truth["spans"]:
        parent = truth["spans"][span["parent"] - 1]["path"] if span["parent"] is not None else ""
        if parent in found and span["span"] not in spoke:
            found.add(span["path"])
    blocks = {span.span_id for span in trace.spans if span.type == "parallel"}
    inside = {span.parent_span_id for span in trace.spans if {"iteration", "path"} & set(span.derived)}
    for shown in reversed(trace.spans):
        silent = shown.parent_span_id in blocks and "status" in shown.derived
        if silent and (shown.span_id in inside or "iteration" in shown.derived):
            found.add(shown.path)
            inside.add(shown.parent_span_id)
    return found


def _spoke(truth: Truth) -> set[int]:
    """Spans that have lines of log, or something in them has."""
    spoke = {span["span"] for span in truth["spans"] if span["events"]}
    for span in reversed(truth["spans"]):
        if span["span"] in spoke and span["parent"] is not None:
            spoke.add(span["parent"])
    return spoke


def _unseen(truth: Truth, trace: Trace) -> set[str]:
    """Paths of silent children without a line of log in them, in a block (or an attempt of one) that did not
    succeed or whose end is open: there is no word of whether they were ever begun."""
    spans = truth["spans"]
    spoke = _spoke(truth)
    open_ends = {span.path for span in trace.spans if "status" in span.derived}
    either = {static(span.path) for span in trace.spans if {"status", "iteration"} <= set(span.derived)}
    certain: set[str] = set()  # themselves, or something in them
    for shown in reversed(trace.spans):
        if "status" not in shown.derived or shown.span_id in certain:
            certain |= {shown.span_id, shown.parent_span_id or ""}
    found = {shown.path for shown in trace.spans if shown.span_id not in certain}
    for span in spans:
        if span["span"] in spoke or span["parent"] is None:
            continue
        above = spans[span["parent"] - 1]
        given_up = span["parentAttempt"] is not None and span["parentAttempt"] < above["attempts"]
        open_end = above["path"] in open_ends | found or static(above["path"]) in either
        if above["status"] != "success" or given_up or open_end:
            found.add(span["path"])
    return found


def _span_differences(
    true: TrueSpan, span: Span, start: float, truth: Truth, ids: dict[str, Span]
) -> list[str]:
    wrong = []
    parent = ids[span.parent_span_id].path if span.parent_span_id else None
    true_parent = truth["spans"][true["parent"] - 1]["path"] if true["parent"] is not None else None
    shown = (parent, span.type, span.flow_key, span.iteration, span.branch, span.index, span.parent_attempt)
    names = ("type", "flowKey", "iteration", "branch", "index", "parentAttempt")
    happened = (true_parent, *(true[name] for name in names))  # type: ignore[literal-required]
    if "branch" in span.derived:
        shown, happened = shown[:4] + shown[6:], happened[:4] + happened[6:]
    if shown != happened:
        wrong.append(f"stands at {shown} for {happened}")
    if "iteration" in span.derived or "path" in span.derived:
        return wrong  # which of several alike it is, the record does not tell: see _conserved
    if true["events"] and span.start_ms + start != true["startMs"]:
        wrong.append(f"start {span.start_ms + start} for {true['startMs']}")
    if "status" in span.derived:
        return wrong
    also = list(true.get("statusAlso") or ())
    if true["status"] == "stopped" and truth["status"] != "stopped":
        also.append("incomplete")  # stopped in what was timed out before: mostly nothing tells of it
    if span.status not in (true["status"], *also):
        wrong.append(f"status {span.status} for {true['status']}")
    if span.attempts != true["attempts"] and "attempts" not in span.derived:
        wrong.append(f"attempts {span.attempts} for {true['attempts']}")
    if span.status not in ("skipped", "incomplete") and span.duration_ms != true["durationMs"]:
        wrong.append(f"duration {span.duration_ms} for {true['durationMs']}")
    if bool(span.late) != bool(true["late"]) and "late" not in span.derived:
        wrong.append(f"late {span.late} for {true['late']}")
    sized = span.type in LEAVES and span.output_bytes is not None and "outputBytes" not in span.derived
    if sized and span.output_bytes != true["outputBytes"]:
        wrong.append(f"output {span.output_bytes} for {true['outputBytes']}")
    return wrong


def _conserved(truth: Truth, trace: Trace, start: float, by: _Steps) -> list[str]:
    """Swaps change nothing in sum: of each step, the same starts and the same ends, whoever has them; and an
    end that tells how long the step took is of one that began then; but for steps of which the trace says
    that their ends are not certain."""
    blocks = {span.span_id for span in trace.spans if span.type == "parallel"}
    shown = [span for span in trace.spans if span.parent_span_id not in blocks]
    happened = [span for span in truth["spans"] if span["events"]]
    unsettled = {by.shown(span) for span in shown if "durationMs" in span.derived}
    ended = [span for span in shown if by.shown(span) not in unsettled]
    truly = [span for span in happened if by.true(span) not in unsettled]
    timed = ("success", "timeout")  # an error has no duration of its own
    open_ends = {"stopped": "incomplete"} if truth["status"] != "stopped" else {}
    return [
        f"{what} {mine - theirs} for {theirs - mine}"
        for what, mine, theirs in (
            (
                "starts",
                Counter((by.shown(span), span.start_ms + start) for span in shown),
                Counter((by.true(span), span["startMs"]) for span in happened),
            ),
            (
                "ends",
                Counter((by.shown(span), open_ends.get(span.status, span.status)) for span in ended),
                Counter((by.true(span), open_ends.get(span["status"], span["status"])) for span in truly),
            ),
            (
                "durations",
                Counter(
                    (by.shown(span), span.start_ms + start, span.duration_ms, span.status)
                    for span in ended
                    if span.status in timed
                ),
                Counter(
                    (by.true(span), span["startMs"], span["durationMs"], span["status"])
                    for span in truly
                    if span["status"] in timed
                ),
            ),
        )
        if mine != theirs
    ]
