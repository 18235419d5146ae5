"""What a step that failed reads of its flow's inputs and of the item of a loop, where that was not there."""

from __future__ import annotations

from typing import Any

from one_trace.analyse.edit import Edit
from one_trace.answers.edits.evidence import Evidence, Written, escaped, place
from one_trace.answers.edits.selectors import Missing, Selector, follow, near_names, selectors_in
from one_trace.model.trace import Span

_MOST_LOOPS = 50


def not_given(evidence: Evidence, caller: Span | None, written: Written, selector: Selector) -> Edit | None:
    """An input that was not given, and has no default. `caller`: the step that calls the flow; None of the
    root flow."""
    name = selector.fields[0]
    declared = written.flow.definition.get("inputs")
    about = declared.get(name) if isinstance(declared, dict) else None
    if isinstance(about, dict) and about.get("default") is not None:
        return None
    if caller is not None:
        return _by_caller(evidence, caller, selector)
    given = evidence.inputs()
    if given is None or given.get(name) is not None:
        return None
    at = place(written.flow, written.file, f"/inputs/{escaped(name)}")
    text = f"{selector.text} is empty: the input {name} was not given, and has no default"
    text += f": run it with -i {name}=VALUE"
    return Edit(kind="give-input", path=evidence.trace.run.flow_key, at=at, text=text)


def _by_caller(evidence: Evidence, caller: Span, selector: Selector) -> Edit | None:
    written, name = evidence.step_of(caller), selector.fields[0]
    given = written.config.get("inputs") if written is not None else None
    given = {} if given is None else given
    if written is None or not isinstance(given, dict) or name in given:
        return None
    text = f"{selector.text} is empty: {caller.step_id} does not give the input {name}"
    near = near_names(name, given)
    if given:
        text += f"; it gives {', '.join(list(given)[:8])}"
    text += f"; did you mean '{near[0]}'?" if near else ""
    return Edit(kind="give-input", path=caller.path, at=written.at("flow/inputs"), text=text)


def item_without(
    evidence: Evidence, loop: Span, inner: Span, outputs: dict[str, Span], selector: Selector
) -> Missing | None:
    """The field that the item of this iteration does not have, where it can be told what the item is.
    `outputs`: the steps that the loop can read, by id."""
    written = evidence.step_of(loop)
    if written is None or written.type != "loop" or inner.iteration is None:
        return None
    over = written.config.get("over")
    if selector.fields[:1] != (written.config.get("as", "item"),) or not isinstance(over, str):
        return None
    found, items = next(selectors_in("loop/over", over), None), None
    if found is None or found.text != over.strip():
        return None
    if found.root == "input":
        items = follow(evidence.inputs(), found.fields, "")[0]
    elif (
        found.root == "steps"
        and found.step_id in outputs
        and found.fields[:1] in (("output",), ("response",))
    ):
        items = follow(evidence.output(outputs[found.step_id]), found.fields[1:], "")[0]
    if not isinstance(items, list) or inner.iteration >= len(items):
        return None
    item: Any = items[inner.iteration]
    return follow(item, selector.fields[1:], f"$.loop.{selector.fields[0]}")[1]


def enclosing_loop(evidence: Evidence, span: Span) -> tuple[Span, Span] | None:
    """The innermost loop around a span in its flow, and the span directly in it, on the way to the span."""
    by_id = {each.span_id: each for each in evidence.trace.spans}
    inner = span
    for _ in range(_MOST_LOOPS):
        above = by_id.get(inner.parent_span_id or "")
        if above is None or above.type == "flow":
            return None
        if above.type == "loop":
            return above, inner
        inner = above
    return None
