"""What a step that failed reads of other steps, where that was not there for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import NamedTuple

from one_trace.analyse.edit import Edit, Operation
from one_trace.answers.bounds import cut_text
from one_trace.answers.edits.evidence import UNKNOWN, Evidence, Written
from one_trace.answers.edits.given import enclosing_loop, item_without, not_given
from one_trace.answers.edits.selectors import Missing, Selector, follow, kind_of, names_of, selectors_in
from one_trace.model.trace import PlannedStep, Span
from one_trace.model.tree import static_paths

_MOST_TEXT = 600
"""Characters of a text that a patch replaces."""
_MOST_SELECTORS = 50
_OF_NOTHING = re.compile(
    r"undefined|\bnull\b|not iterable|not a function|not valid JSON|must (?:be|resolve to)|NaN|empty", re.I
)
"""How errors in JavaScript read where a value was missing."""
_SOURCES = ("code", "transform")
_NOT_READ = frozenset({"loop", "while", "parallel", "condition"})
"""Steps whose outputs have more than what the state holds of them."""


class Scope(NamedTuple):
    """The steps that share their results with one step: those of the same call of the same flow."""

    spans: Mapping[str, list[Span]]
    planned: Mapping[str, PlannedStep]
    caller: str | None
    """The span of the step that calls their flow; None in the root flow."""
    order: Mapping[str, int]
    """Of the ids in the flow file."""


def wrong_reads(evidence: Evidence, span: Span, written: Written) -> Iterator[Edit]:
    """Of each reference that gave nothing: why, and what to edit."""
    selectors = [one for part, text in written.texts() for one in selectors_in(part, text)][:_MOST_SELECTORS]
    selectors.sort(key=lambda one: (one.part, one.line))
    if not selectors or (written.type in _SOURCES and not _OF_NOTHING.search(span.error or _error(evidence))):
        return
    scope = scope_of(evidence, span)
    seen: set[tuple[str, str]] = set()
    for selector in selectors:
        edit = None if selector.optional else _wrong(evidence, scope, span, written, selector)
        if edit is not None and (edit.kind, edit.text) not in seen:
            seen.add((edit.kind, edit.text))
            yield edit


def scope_of(evidence: Evidence, span: Span) -> Scope:
    """The steps whose results a step can read."""
    spans, run = evidence.trace.spans, evidence.trace.run
    callers = _callers(spans)
    found: dict[str, list[Span]] = {}
    for other in spans:
        if callers[other.span_id] == callers[span.span_id]:
            found.setdefault(other.step_id, []).append(other)
    caller = callers[span.span_id]
    lead = static_paths(run.flow_key, spans)[caller] if caller is not None else run.flow_key
    planned = {
        path.rpartition(" > ")[2]: step
        for path, step in evidence.plan.items()
        if step.flow_key == span.flow_key and path.startswith(f"{lead} > ")
    }
    return Scope(found, planned, caller, {step_id: at for at, step_id in enumerate(planned)})


def _callers(spans: list[Span]) -> dict[str, str | None]:
    """The span of the ``flow`` step that each span is under; None at the top."""
    types = {span.span_id: span.type for span in spans}
    callers: dict[str, str | None] = {}
    for span in spans:
        parent = span.parent_span_id
        callers[span.span_id] = parent if types.get(parent or "") == "flow" else callers.get(parent or "")
    return callers


def _wrong(evidence: Evidence, scope: Scope, span: Span, written: Written, selector: Selector) -> Edit | None:
    if selector.root == "input":
        caller = evidence.span(scope.caller)
        return not_given(evidence, caller, written, selector) if selector.fields else None
    if selector.root == "loop":
        return _item(evidence, scope, span, written, selector)
    return _result(evidence, scope, span, written, selector)


def _item(evidence: Evidence, scope: Scope, span: Span, written: Written, selector: Selector) -> Edit | None:
    around = enclosing_loop(evidence, span)
    if around is None or not selector.fields:
        return None
    before = {name: ran[-1] for name, ran in scope.spans.items() if ran[-1].start_ms <= around[0].start_ms}
    missing = item_without(evidence, *around, before, selector)
    return None if missing is None else _missing(span, written, selector, missing)


def _result(
    evidence: Evidence, scope: Scope, span: Span, written: Written, selector: Selector
) -> Edit | None:
    planned = scope.planned.get(selector.step_id)
    ran = [one for one in scope.spans.get(selector.step_id, []) if one.start_ms <= span.start_ms]
    ran = [one for one in ran if one.span_id != span.span_id]
    if planned is None and not ran:
        return _unknown(scope, span, written, selector) if scope.planned else None
    if not ran:
        return _not_run(evidence, scope, span, selector, planned) if planned is not None else None
    last = ran[-1]
    if last.status == "skipped":
        return _skipped(evidence, last, selector)
    if last.status in ("error", "timeout"):
        return _failed(evidence, last, selector)
    if last.status != "success" or last.type in _NOT_READ:
        return None
    return _without_field(evidence, last, span, written, selector)


def _unknown(scope: Scope, span: Span, written: Written, selector: Selector) -> Edit:
    near = get_close_matches(selector.step_id, list(scope.planned), n=1)
    before = [one for one in scope.planned if scope.order[one] < scope.order.get(span.step_id, 0)]
    hint = f"; did you mean '{near[0]}'?" if near else f"; the steps before it are {', '.join(before[-6:])}"
    text = f"{selector.text} reads a step that does not exist: no step of {span.flow_key} has the id "
    return _edit("fix-reference", span, written, selector, f"{text}'{selector.step_id}'{hint}")


def _not_run(
    evidence: Evidence, scope: Scope, span: Span, selector: Selector, planned: PlannedStep
) -> Edit | None:
    name = selector.step_id
    own = scope.order.get(span.step_id)
    if own is not None and scope.order[name] > own:
        at = evidence.written(planned.at, name)
        text = f"{span.step_id} reads {selector.text}, but {name} stands behind it: move {name} before it"
        return Edit(
            kind="move-step", path=planned.path, at=at.at() if at is not None else planned.at, text=text
        )
    for path in _above(planned.path):
        step = evidence.plan.get(path)
        ran = scope.spans.get(path.rpartition(" > ")[2], [])
        if step is None or not ran:
            continue
        text = f"{span.step_id} reads {selector.text}, but {name} did not run"
        return _kept_from(evidence, path, step, ran[-1], text)
    return None


def _above(path: str) -> Iterator[str]:
    while " > " in path:
        path = path.rpartition(" > ")[0]
        yield path


def _kept_from(evidence: Evidence, path: str, step: PlannedStep, ran: Span, text: str) -> Edit | None:
    """What kept the steps in a container from running."""
    name = path.rpartition(" > ")[2]
    written = evidence.written(step.at, name)
    if written is None:
        return None
    if ran.status == "skipped":
        part, why = _guard(written), f"{name} was skipped"
    elif step.type == "condition":
        part, why = "condition/expression", f"the condition {name} took the other branch"
    elif step.type == "loop":
        part, why = "loop/over", f"the loop {name} had no items"
    else:
        return None
    return Edit(kind="fix-condition", path=path, at=written.at(part), text=f"{text}: {why}")


def _guard(written: Written) -> str:
    return "if" if "if" in written.step or "unless" not in written.step else "unless"


def _skipped(evidence: Evidence, last: Span, selector: Selector) -> Edit | None:
    written = evidence.step_of(last)
    if written is None:
        return None
    part = _guard(written)
    text = f"{selector.text} is empty: {last.step_id} was skipped by its '{part}'"
    return Edit(kind="fix-condition", path=last.path, at=written.at(part), text=text)


def _failed(evidence: Evidence, last: Span, selector: Selector) -> Edit | None:
    written = evidence.step_of(last)
    error = cut_text((last.error or "no error is recorded").strip(), 200)
    text = f"{selector.text} is empty: {last.step_id} failed before, and the flow carried on: {error}"
    at = written.at() if written is not None else None
    return Edit(kind="fix-earlier-step", path=last.path, at=at, text=text)


def _without_field(
    evidence: Evidence, last: Span, span: Span, written: Written, selector: Selector
) -> Edit | None:
    if selector.fields[:1] not in (("output",), ("response",)):
        return None
    if selector.fields[0] == "response" and last.type not in (*_SOURCES, "action", "file-read"):
        return None
    output = evidence.output(last)
    if output is UNKNOWN:
        return _nothing(last, span, written, selector)
    above = selector.text[: selector.text.index(selector.fields[0], len("$.steps."))] + selector.fields[0]
    value, missing = follow(output, selector.fields[1:], above)
    if missing is None:
        return _no_list(span, written, selector, value)
    return _missing(span, written, selector, missing)


def _missing(span: Span, written: Written, selector: Selector, missing: Missing) -> Edit:
    has = f"{missing.above} is {missing.kind}"
    has += f" with the fields {', '.join(missing.names)}" if missing.names else ""
    hint = f"; did you mean {' or '.join(missing.near)}?" if missing.near else ""
    edit = _edit("fix-reference", span, written, selector, f"{selector.text} gives nothing: {has}{hint}")
    if len(missing.near) == 1:
        edit.patch = _replaced(written, selector, f"{missing.above}.{missing.field}", missing.near[0])
    return edit


def _nothing(last: Span, span: Span, written: Written, selector: Selector) -> Edit | None:
    """A step that succeeded without an output."""
    if last.output_bytes is not None or len(selector.fields) < 2 or last.type not in (*_SOURCES, "flow"):
        return None
    text = f"{selector.text} gives nothing: {last.step_id} has no output"
    return _edit("fix-reference", span, written, selector, text)


def _no_list(span: Span, written: Written, selector: Selector, value: object) -> Edit | None:
    """What a loop goes over is there, and is no list."""
    if selector.part != "loop/over" or isinstance(value, list):
        return None
    text = f"{selector.text} is {kind_of(value)}, no list"
    lists: list[str] = []
    if isinstance(value, dict):
        text += f"; its fields are {', '.join(names_of(value))}"
        lists = [name for name, inner in value.items() if isinstance(inner, list)][:2]
    if lists:
        text += f"; did you mean {' or '.join(f'{selector.text}.{name}' for name in lists)}?"
    edit = _edit("fix-reference", span, written, selector, text)
    if len(lists) == 1:
        edit.patch = _replaced(written, selector, selector.text, f"{selector.text}.{lists[0]}")
    return edit


def _replaced(written: Written, selector: Selector, old: str, new: str) -> list[Operation]:
    text = dict(written.texts()).get(selector.part, "")
    if len(text) > _MOST_TEXT or old not in text:
        return []
    path = f"{written.pointer}/{selector.part}"
    return [Operation(op="replace", path=path, value=text.replace(old, new))]


def _edit(kind: str, span: Span, written: Written, selector: Selector, text: str) -> Edit:
    at = written.at(selector.part)
    line = selector.line if selector.part.startswith(("code/", "bash/")) else None
    return Edit(kind=kind, path=span.path, at=at, text_line=line, text=text)


def _error(evidence: Evidence) -> str:
    cause = evidence.cause
    return (cause.error or "") if cause is not None else ""
